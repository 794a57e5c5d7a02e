/** Folds the recordings of many nights into one: each answer once, with the days it was given on. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../src/evidence/json.ts';
import { type DatedExchange, questionAt } from '../src/providers/recordings.ts';
import { type Exchange, keyText } from '../src/providers/wire.ts';

const dayMs = 86_400_000;

/** New with every answer, and nothing of what was asked: a replay gives its own date. */
const passing = /^(date|x-ratelimit-.*)$/;

/** A folder as `--record` left it. */
async function readNight(folder: string): Promise<Exchange[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    name.endsWith('.json'),
  );
  return Promise.all(
    names
      .sort()
      .map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Exchange),
  );
}

/** Takes night after night, in the order of time. */
export class YearRecording {
  /** By question and turn, oldest first. */
  readonly #answers = new Map<string, DatedExchange[]>();

  /**
   * @param begun the night's clock
   * @param addresses what answers say of the stand-ins, and what the services' own would be
   * @throws Error where an answer tells of a time that is still to come
   */
  async add(folder: string, begun: Date, addresses: Record<string, string>): Promise<void> {
    const today = dayOf(begun);
    for (const exchange of await readNight(folder)) {
      const { format: _format, headers, body, ...asked } = exchange;
      let told = JSON.stringify({
        headers: Object.fromEntries(
          Object.entries(headers).filter(([name]) => !passing.test(name)),
        ),
        body,
      });
      for (const [from, to] of Object.entries(addresses)) told = told.replaceAll(from, to);
      assertPast(told, begun, `${exchange.service}:${exchange.operation}`);
      this.#take({
        format: 'tickmark-dated-exchange/1',
        from: today,
        until: today,
        ...asked,
        input: questionAt(exchange, begun).input,
        ...(JSON.parse(told) as Pick<Exchange, 'headers' | 'body'>),
      });
    }
  }

  #take(exchange: DatedExchange): void {
    const question = `${keyText(exchange)} ${exchange.turn}`;
    const answers = this.#answers.get(question) ?? [];
    this.#answers.set(question, answers);
    const last = answers.at(-1);
    const isNext =
      last !== undefined && dayOf(new Date(Date.parse(last.until) + dayMs)) === exchange.from;
    if (isNext && whatItSays(last) === whatItSays(exchange)) last.until = exchange.until;
    else answers.push(exchange);
  }

  /** One line an answer, those to one question together: they differ by little. */
  lines(): string {
    return [...this.#answers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, answers]) => answers)
      .map((answer) => `${JSON.stringify(answer)}\n`)
      .join('');
  }
}

/** Without the ids of the request, which are new each time. */
function whatItSays({ status, headers, body }: DatedExchange): string {
  const kept = Object.entries(headers).filter(([name]) => !/request-?id|amz-id/.test(name));
  return canonicalJson([status, Object.fromEntries(kept), body]).replace(
    /<RequestId>[^<]*<\/RequestId>/gi,
    '',
  );
}

function assertPast(text: string, begun: Date, what: string): void {
  for (const [time] of text.matchAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g)) {
    if (Date.parse(`${time}Z`) > begun.getTime()) {
      throw new Error(`${what} tells on ${begun.toISOString()} of ${time}`);
    }
  }
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
