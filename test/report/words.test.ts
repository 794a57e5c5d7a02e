import { expect, it } from 'vitest';
import type { Deviation } from '../../src/period/report.ts';
import { wordsOf } from '../../src/report/html/words.ts';
import { storyOf } from '../../src/report/words.ts';
import { sampleReport } from '../support/report.ts';

const event = sampleReport()
  .period.controls.flatMap(({ tests }) => tests.flatMap(({ deviations }) => deviations))
  .find(({ kind }) => kind === 'event') as Deviation;

it('an event happened at its own time', () => {
  const when = event.opened.by.slice(0, 16).replace('T', ' ');
  expect(storyOf(event)).toMatch(new RegExp(`^happened ${when} UTC`));
  expect(wordsOf(event, null)).toMatchObject({ opened: [when], how: 'happened' });
});

it('an event without a time of its own was found, and nothing says that it happened then', () => {
  const found: Deviation = {
    ...event,
    opened: { after: '2025-07-16T02:00:00.000Z', by: '2025-07-17T02:00:00.000Z', how: 'found' },
  };
  expect(storyOf(found)).toMatch(/^found between 2025-07-16 02:00 and 2025-07-17 02:00 UTC/);
  expect(wordsOf(found, null)).toMatchObject({
    opened: ['between 2025-07-16 02:00', 'and 2025-07-17 02:00'],
    how: 'found',
  });
});
