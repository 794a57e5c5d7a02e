import { describe, expect, it } from 'vitest';
import { hostile, poisoned } from '../support/hostile.ts';

describe('the payloads', () => {
  it('have each a name of its own, and are not given twice', () => {
    expect(new Set(hostile.map(([name]) => name)).size).toBe(hostile.length);
    expect(new Set(hostile.map(([, text]) => text)).size).toBe(hostile.length);
    expect(hostile.length).toBeGreaterThan(200);
  });

  it('stand in a model wherever a stranger may write, keys too', () => {
    const model = {
      id: 'AC-01',
      title: 'a title',
      conclusion: 'operated with deviations',
      from: { run: '20250301T020000Z-0a1b2c', observed_at: '2025-03-01T02:00:00.000Z' },
      day: '2025-03-01',
      nights: 3,
      by: null,
      parameters: { window: ['x'] },
    };
    expect(poisoned(model, '<b>')).toEqual({
      ...model,
      title: '<b>',
      parameters: { window: ['<b>'], '<b>': ['<b>'] },
    });
    expect(Object.hasOwn(poisoned(model, '__proto__').parameters, '__proto__')).toBe(true);
  });
});
