/**
 * moto dates everything by the machine's clock. A stand-in for another day tells other times: those
 * of XML and of the credential report to the second, those of JSON in seconds since 1970.
 */
import type { AwsAnswer } from './aws-call.ts';

/** The time to tell instead of one of moto's; undefined leaves it as it is. */
export type Redate = (time: Date) => Date | undefined;

const isoTime = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?=Z|\+00:00)/g;
const epochTime = /(?<=:\s*)\d{10}(?:\.\d+)?(?=\s*[,}])/g;

/** The same text with other times. */
export function redateText(text: string, redate: Redate): string {
  return text
    .replace(isoTime, (found: string, fraction = '') => {
      const told = redate(new Date(`${found}Z`))?.toISOString();
      return told === undefined ? found : `${told.slice(0, 19)}${fraction === '' ? '' : '.000'}`;
    })
    .replace(epochTime, (found) => {
      const told = redate(new Date(Number(found) * 1000));
      return told === undefined ? found : String(Math.floor(told.getTime() / 1000));
    });
}

/** The same answer with other times. */
export function redateAnswer(answer: AwsAnswer, redate: Redate): AwsAnswer {
  return { ...answer, body: Buffer.from(redateText(answer.body.toString(), redate)) };
}
