/** What a runner process is told by its environment, and what it does not take. */
import { expect, test } from 'vitest';
import { runnerConfig } from '#gateway/config.ts';

test('the memory of a reader is a whole number of mebibytes, or the reader’s own default', () => {
  const memory = (stated?: string): number | undefined =>
    runnerConfig(stated === undefined ? {} : { UNSEEN_READER_MEMORY_MIB: stated }).readerMemoryMiB;
  expect(memory()).toBeUndefined();
  expect(memory('')).toBeUndefined();
  expect(memory('14336')).toBe(14_336);
  for (const wrong of ['255', '1.5', '2GiB', '-512', '0x400', '100000000'])
    expect(() => memory(wrong), wrong).toThrow('UNSEEN_READER_MEMORY_MIB');
});
