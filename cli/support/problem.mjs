/** The same shape as CommandError (command-error.ts), which cannot be loaded before the packages are installed. */
export function problem(message, remedy) {
  return Object.assign(new Error(message), { name: 'CommandError', remedy });
}

export const isCommandError = (error) => error instanceof Error && error.name === 'CommandError';
