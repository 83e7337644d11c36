// Text from the database made safe to look at. Script cannot run from a text node; deception can: a name with U+202E
// is read backwards. The same characters are written out as on the command line (src/message/escape.rs).

const ACTS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

/** A piece of text: as it is, or a character written out. */
export interface Piece {
  text: string;
  mark: boolean;
}

function written(character: string): string {
  switch (character) {
    case "\n":
      return "\\n";
    case "\r":
      return "\\r";
    case "\t":
      return "\\t";
    default:
      return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  }
}

/** Splits text at the characters that would act instead of being seen. */
export function pieces(text: string): Piece[] {
  if (!ACTS.test(text)) return [{ text, mark: false }];
  const found: Piece[] = [];
  for (const character of text) {
    const mark = ACTS.test(character);
    const last = found.at(-1);
    const shown = mark ? written(character) : character;
    if (last && last.mark === mark) last.text += shown;
    else found.push({ text: shown, mark });
  }
  return found;
}

/** The same as one string, for tooltips and accessible names. */
export function visible(text: string): string {
  return pieces(text)
    .map((piece) => piece.text)
    .join("");
}

/** Up to two letters or digits for an avatar. A name without any gives nothing rather than broken punctuation. */
export function initials(name: string): string {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  const first = words[0] ? [...words[0]] : [];
  const second = words[1] ? [...words[1]][0] : first[1];
  return `${first[0] ?? ""}${second ?? ""}`.toLocaleUpperCase("en");
}
