/** A Markdown table; the first column contains text, the others contain numbers if `numbers` is true. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbers = true): string {
  const rule = head.map((_, n) => (n > 0 && numbers ? '--:' : '---'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** US dollars, with more digits for smaller values. */
export function dollars(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return `$${Math.round(value).toLocaleString('en-US')}`;
  return `$${value.toFixed(value >= 1 ? 2 : value >= 0.01 ? 3 : 5)}`;
}

export const percent = (part: number): string => `${Math.round(part * 100)} %`;
