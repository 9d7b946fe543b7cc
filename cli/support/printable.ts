/** Texts of somebody else for a terminal: without what a terminal takes for a command (ECMA-48, control functions). */

/** On one line. */
export const printable = (text: string): string => text.replace(/\p{C}/gu, '\u{FFFD}');

/** With its line breaks and tabs. */
export const printableLines = (text: string): string => text.replace(/[^\P{C}\n\t]/gu, '\u{FFFD}');
