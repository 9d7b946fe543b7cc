/** Replaces control characters in texts of other senders: a terminal could execute them (ECMA-48, control functions). */

/** Replaces line breaks and tabs, too. */
export const printable = (text: string): string => text.replace(/\p{C}/gu, '\u{FFFD}');

/** Keeps line breaks and tabs. */
export const printableLines = (text: string): string => text.replace(/[^\P{C}\n\t]/gu, '\u{FFFD}');
