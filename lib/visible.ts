/** Control characters, and those that end a line or turn the direction of text around. */
const UNSEEN = /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * What others wrote, as one line that a terminal shows and does not obey: an escape sequence in the
 * name of something could recolour, move or hide what is said of it.
 */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    if (character === "\t") return character;
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** As {@linkcode visible}, for a text of several lines. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}
