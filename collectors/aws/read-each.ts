import { type Answer, type AwsContext, CallError, type CollectContext } from '../../src/plugin.ts';

/** A thing as a list names it. */
export interface ListedThing {
  name: string;
  arn: string;
  /** The page of the list that named it. */
  page: Answer;
}

/** What every record of such a dataset says; all its other fields are optional. */
export type ThingFields = { account_id: string; arn: string };

/** Things of one list that are read side by side. */
const mostAtOnce = 32;

/**
 * Reads each thing of a list, many side by side, into one record each. What could not be read is
 * kept without its fields; what was deleted since it was listed is noted and left out.
 * @param gone the service's error for a thing that does not exist.
 */
export async function readEach<Thing extends ListedThing, Fields extends ThingFields>(
  aws: AwsContext & CollectContext<Fields>,
  things: Thing[],
  gone: string,
  read: (
    thing: Thing,
    known: ThingFields,
  ) => Promise<{ fields: Fields; original: unknown; from: Answer[] }>,
): Promise<void> {
  const readOne = async (thing: Thing): Promise<void> => {
    const { name, arn, page } = thing;
    const known = { account_id: aws.account, arn };
    const reading = read(thing, known);
    try {
      await reading;
    } catch (thrown) {
      if (thrown instanceof CallError && thrown.error === gone) {
        aws.note(
          'DeletedMeanwhile',
          `${name} was deleted after it was listed and before it was read`,
        );
        return;
      }
    }
    await aws.item({ uid: arn, name, fields: known as Fields, from: [page] }, async () => {
      const { fields, original, from } = await reading;
      return { fields, original, from: [page, ...from] };
    });
  };
  // All at once, thousands of requests would be made and signed long before their turn to be sent.
  const waiting = things.values();
  const readSome = async (): Promise<void> => {
    for (const thing of waiting) await readOne(thing);
  };
  await Promise.all(Array.from({ length: mostAtOnce }, readSome));
}
