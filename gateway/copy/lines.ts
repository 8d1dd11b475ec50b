/** Lines of text that comes in pieces. Only a line feed ends one: JSON may hold every other line separator. */

/** The lines, without their ends. An unended last line counts, an empty one does not. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
