/**
 * What a new AWS collector starts from: a whole one, of an operation whose client package is
 * installed already, so that it type-checks and meets the contract before anything is replaced.
 */

/** Texts by their path from the root. */
export type Files = Record<string, string>;

/** The files of the collector `aws.<api>`. */
export function awsCollector(api: string): Files {
  const folder = `collectors/aws/${api}`;
  return {
    [`${folder}/index.ts`]: index(api),
    [`${folder}/schema.ts`]: schema,
    [`${folder}/README.md`]: readme(api),
    [`test/collectors/aws/${api}.replay.test.ts`]: test(api),
    ...recordedCase(api, 'pages', { outcome: 'complete', records: 2, problems: [] }, [
      {
        input: { MaxItems: 1000 },
        ...listed(
          [certificate('ProdServerCert', '2012-05-08T01:02:03Z')],
          '<IsTruncated>true</IsTruncated><Marker>EXAMPLE-MARKER</Marker>',
        ),
      },
      {
        input: { MaxItems: 1000, Marker: 'EXAMPLE-MARKER' },
        ...listed([certificate('TestServerCert', '2012-03-14T01:02:03Z')], lastPage),
      },
    ]),
    ...recordedCase(api, 'empty', { outcome: 'complete', records: 0, problems: [] }, [
      { input: { MaxItems: 1000 }, ...listed([], lastPage) },
    ]),
    ...recordedCase(api, 'denied', { outcome: 'failed', records: 0, problems: ['AccessDenied'] }, [
      { input: { MaxItems: 1000 }, ...denied },
    ]),
  };
}

const index = (
  api: string,
) => `import { type AwsContext, type Collector, defineDataset } from '../../../src/plugin.ts';
import { iam } from '../services.ts';
import { time, told } from '../values.ts';
import { serverCertificate } from './schema.ts';

const serverCertificates = defineDataset<AwsContext, typeof serverCertificate>({
  name: 'aws.${api}.server_certificates',
  version: 1,
  title: 'Server certificates that are kept in IAM',
  kind: 'snapshot',
  level: 'account',
  fields: serverCertificate,
  calls: { 'iam:ListServerCertificates': 'iam:ListServerCertificates' },
  async collect(aws) {
    const pages = aws.pages(
      iam,
      'ListServerCertificates',
      { MaxItems: 1000 },
      { send: 'Marker', receive: 'Marker', more: 'IsTruncated' },
    );
    for await (const page of pages) {
      for (const certificate of page.ServerCertificateMetadataList ?? []) {
        const arn = told(certificate.Arn, 'Arn');
        aws.emit({
          uid: arn,
          name: told(certificate.ServerCertificateName, 'ServerCertificateName'),
          fields: {
            account_id: aws.account,
            arn,
            expires: time(told(certificate.Expiration, 'Expiration')),
          },
          original: certificate,
          from: [page],
        });
      }
    }
  },
});

const collector: Collector<AwsContext> = {
  id: 'aws.${api}',
  title: 'An example to replace: server certificates',
  datasets: [serverCertificates],
};

export default collector;
`;

const schema = `import { timestamp, z } from '../../../src/plugin.ts';

export const serverCertificate = z.object({
  account_id: z.string().describe('The account that keeps the certificate'),
  arn: z.string().describe('ARN of the certificate'),
  expires: timestamp().describe('When the certificate expires'),
});
`;

const readme = (api: string) => `# An example to replace: server certificates

Server certificates that are kept in IAM, and when they expire.

${table([
  ['dataset', 'scope', 'calls', 'cost'],
  [
    `\`aws.${api}.server_certificates\``,
    'account',
    '`ListServerCertificates`',
    'one for 1,000 certificates',
  ],
])}
The permission of each call has the call's name.
`;

/** A Markdown table with columns as wide as the formatter makes them. */
function table(rows: string[][]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  const line = (row: string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [head, rule, ...rows.slice(1)].map(line).join('');
}

const test = (api: string) => `import { expect, it } from 'vitest';
import { readCase, replayCase } from '../replay.ts';

it('reads the server certificates of every page', async () => {
  const { slices } = await replayCase(readCase('aws', '${api}', 'pages'));
  const records = slices.flatMap((slice) => slice.records);
  expect(records.map(({ name, fields }) => [name, fields.expires])).toEqual([
    ['ProdServerCert', '2012-05-08T01:02:03.000Z'],
    ['TestServerCert', '2012-03-14T01:02:03.000Z'],
  ]);
});
`;

/** When the examples of AWS's API reference were true. */
const recordedAt = '2012-02-01T00:00:00Z';
const requestId = '7a62c49f-347e-4fc4-9331-6e8eEXAMPLE';

interface Answer {
  status: number;
  body: { text: string };
}

const lastPage = '<IsTruncated>false</IsTruncated>';

/**
 * A page of ListServerCertificates as the IAM API reference publishes it:
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListServerCertificates.html
 */
function listed(certificates: string[], ending: string): Answer {
  return {
    status: 200,
    body: {
      text:
        '<ListServerCertificatesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">' +
        `<ListServerCertificatesResult>${ending}<ServerCertificateMetadataList>` +
        `${certificates.join('')}</ServerCertificateMetadataList></ListServerCertificatesResult>` +
        `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>` +
        '</ListServerCertificatesResponse>',
    },
  };
}

function certificate(name: string, expires: string): string {
  return (
    `<member><ServerCertificateName>${name}</ServerCertificateName><Path>/company/servercerts/</Path>` +
    `<Arn>arn:aws:iam::123456789012:server-certificate/company/servercerts/${name}</Arn>` +
    '<UploadDate>2010-05-08T01:02:03Z</UploadDate>' +
    `<ServerCertificateId>ASCACEXAMPLE${name}</ServerCertificateId>` +
    `<Expiration>${expires}</Expiration></member>`
  );
}

const denied: Answer = {
  status: 403,
  body: {
    text:
      '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>' +
      '<Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/evidence is not ' +
      'authorized to perform: iam:ListServerCertificates</Message></Error>' +
      `<RequestId>${requestId}</RequestId></ErrorResponse>`,
  },
};

function recordedCase(
  api: string,
  name: string,
  expected: { outcome: string; records: number; problems: string[] },
  exchanges: (Answer & { input: object })[],
): Files {
  const folder = `fixtures/aws/${api}/${name}`;
  const dataset = `aws.${api}.server_certificates`;
  const { outcome, records, problems } = expected;
  const about = {
    title: `An example to replace: ${name}`,
    recorded_at: recordedAt,
    outcomes: { [dataset]: outcome },
    problems: problems.length === 0 ? {} : { [dataset]: problems },
    records: { [dataset]: records },
  };
  const files = exchanges.map(({ input, status, body }, index): [string, string] => [
    `${folder}/exchanges/default/iam.ListServerCertificates_${index + 1}.json`,
    json({
      format: 'tickmark-exchange/1',
      service: 'iam',
      operation: 'ListServerCertificates',
      connection: 'default',
      region: 'us-east-1',
      input,
      turn: 1,
      status,
      headers: {
        'content-type': 'text/xml',
        'x-amzn-requestid': requestId,
        date: new Date(recordedAt).toUTCString(),
      },
      body,
    }),
  ]);
  return { [`${folder}/case.json`]: json(about), ...Object.fromEntries(files) };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
