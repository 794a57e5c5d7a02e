import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodePolicyDocument,
  PolicyDocumentError,
  parsePolicyDocument,
} from '../../../collectors/aws/policy-document.ts';

const parse = (document: unknown) => parsePolicyDocument(JSON.stringify(document));
const statement = (part: object) => {
  const [first] = parse({
    Statement: { Effect: 'Allow', Action: 'a:B', Resource: '*', ...part },
  });
  if (first === undefined) throw new Error('no statement');
  return first;
};

describe('a policy document', () => {
  it('gives every statement in full', () => {
    expect(
      parse({
        Version: '2012-10-17',
        Id: 'x',
        Statement: [
          {
            Sid: 'DenyInsecure',
            Effect: 'Deny',
            Principal: '*',
            Action: 's3:*',
            Resource: ['arn:aws:s3:::acme', 'arn:aws:s3:::acme/*'],
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          },
        ],
      }),
    ).toEqual([
      {
        sid: 'DenyInsecure',
        effect: 'Deny',
        principals: {
          everyone: true,
          aws: [],
          accounts: [],
          service: [],
          federated: [],
          canonical: [],
        },
        actions: ['s3:*'],
        not_actions: [],
        resources: ['arn:aws:s3:::acme', 'arn:aws:s3:::acme/*'],
        not_resources: [],
        all_actions: false,
        all_resources: false,
        conditions: [{ operator: 'Bool', key: 'aws:securetransport', values: ['false'] }],
      },
    ]);
  });

  it('takes one statement without its list, and does without a version', () => {
    expect(parse({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })).toHaveLength(1);
    expect(parse({ Statement: [] })).toEqual([]);
  });

  it('counts what is written twice once', () => {
    expect(statement({ Action: ['s3:Get*', 's3:Get*', 's3:Put*'] }).actions).toEqual([
      's3:Get*',
      's3:Put*',
    ]);
  });

  it('spells operators as AWS does and keys in lower case', () => {
    const { conditions } = statement({
      Condition: {
        'foranyvalue:stringlikeifexists': { 'AWS:PrincipalOrgID': ['o-1', 'o-2'] },
        numericlessthan: { 's3:TlsVersion': 1.2 },
        bool: { 'aws:MultiFactorAuthPresent': true },
        SomethingNew: { k: 'v' },
      },
    });
    expect(conditions).toEqual([
      {
        operator: 'ForAnyValue:StringLikeIfExists',
        key: 'aws:principalorgid',
        values: ['o-1', 'o-2'],
      },
      { operator: 'NumericLessThan', key: 's3:tlsversion', values: ['1.2'] },
      { operator: 'Bool', key: 'aws:multifactorauthpresent', values: ['true'] },
      { operator: 'SomethingNew', key: 'k', values: ['v'] },
    ]);
  });

  it.each([
    ['{'],
    ['[]'],
    ['null'],
    ['"text"'],
    ['{}'],
    ['{"Statement":"Allow"}'],
    ['{"Statement":{"Action":"*","Resource":"*"}}'],
    ['{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}'],
    ['{"Statement":{"Effect":"Allow","Resource":"*"}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","NotAction":"a:C","Resource":"*"}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","NotResource":"x"}}'],
    ['{"Statement":{"Effect":"Allow","Action":[1],"Resource":"*"}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"*","condition":{}}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","Principal":"me"}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","Principal":{"Person":"me"}}}'],
    ['{"Statement":{"Effect":"Allow","Action":"a:B","Condition":{"Bool":{"k":null}}}}'],
  ])('that is not one is an error: %s', (text) => {
    expect(() => parsePolicyDocument(text)).toThrow(PolicyDocumentError);
    try {
      parsePolicyDocument(text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'UnreadableResponse' });
    }
  });

  it('of IAM is percent-encoded', () => {
    const text = '{"Statement":{"Effect":"Allow","Action":"a:B","Resource":"50%/é"}}';
    expect(decodePolicyDocument(encodeURIComponent(text))).toEqual(parsePolicyDocument(text));
    expect(() => decodePolicyDocument('%7B%zz')).toThrow(PolicyDocumentError);
  });

  it('never throws anything but its own error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const read of [parsePolicyDocument, decodePolicyDocument]) {
          try {
            read(text);
          } catch (error) {
            expect(error).toBeInstanceOf(PolicyDocumentError);
          }
        }
      }),
    );
  });

  it('says the same with and without the brackets that the grammar lets one leave out', () => {
    const action = fc.constantFrom('*', 's3:*', 'iam:GetUser');
    const resource = fc.constantFrom('*', 'arn:aws:s3:::acme');
    fc.assert(
      fc.property(action, resource, fc.constantFrom('Allow', 'Deny'), (a, r, effect) => {
        const bare = { Effect: effect, Action: a, Resource: r, Principal: { AWS: '*' } };
        const full = { Effect: effect, Action: [a], Resource: [r], Principal: { AWS: ['*'] } };
        expect(parse({ Statement: bare })).toEqual(parse({ Statement: [full] }));
      }),
    );
  });
});

describe('all_actions', () => {
  it.each(['*', '**', '*:*', '**:**', '?*', '*?', '?*:*', '*:?*'])('of %s', (pattern) => {
    expect(statement({ Action: ['s3:GetObject', pattern] }).all_actions).toBe(true);
  });

  it.each(['', 's3:*', 'iam:*', '*:Get*', '?', '*:*:*', 'a*', '*s*', '???*', ':*', '*:'])(
    'not of %s',
    (pattern) => {
      expect(statement({ Action: pattern }).all_actions).toBe(false);
    },
  );

  it('not of NotAction, whatever it spares', () => {
    const { all_actions, not_actions } = statement({ Action: undefined, NotAction: 'none:None' });
    expect(all_actions).toBe(false);
    expect(not_actions).toEqual(['none:None']);
  });

  it('holds only of a pattern that matches every action there can be', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789-';
    const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('*', '?', ':', 'a'), maxLength: 5 });
    fc.assert(
      fc.property(pattern, word, word, (candidate, service, name) => {
        fc.pre(statement({ Action: candidate }).all_actions);
        expect(`${service}:${name}`).toMatch(matcher(candidate));
      }),
    );
  });
});

describe('all_resources', () => {
  it.each(['*', '**', 'arn:*', 'arn:aws:*', 'arn:*:*', 'arn:aws-cn:*:*', 'arn:*:*:*:*:*', '*:*'])(
    'of %s',
    (pattern) => {
      expect(statement({ Resource: pattern }).all_resources).toBe(true);
    },
  );

  it.each([
    'arn:aws:s3:::*',
    'arn:aws:iam::*:*',
    'arn:*:*:*:*:*:*',
    'arn:aws',
    'arn:',
    'arn:aws:*:eu-west-1:*',
    'a*',
    '*/*',
    '',
  ])('not of %s', (pattern) => {
    expect(statement({ Resource: pattern }).all_resources).toBe(false);
  });

  it('not of NotResource', () => {
    const found = statement({ Resource: undefined, NotResource: 'arn:aws:s3:::acme' });
    expect(found).toMatchObject({ all_resources: false, not_resources: ['arn:aws:s3:::acme'] });
  });

  it('holds only of a pattern that matches every ARN of the partition', () => {
    const part = fc.constantFrom('*', '**', 'aws', 'x', '');
    const pattern = fc
      .tuple(fc.constantFrom('arn', '*'), fc.array(part, { maxLength: 6 }))
      .map(([first, rest]) => [first, ...rest].join(':'));
    const arn = fc
      .tuple(
        fc.constantFrom('s3', 'iam', 'ec2'),
        fc.constantFrom('', 'eu-west-1'),
        fc.constantFrom('', '123456789012'),
        fc.constantFrom('acme', 'user/a', 'a:b:c'),
      )
      .map((parts) => ['arn', 'aws', ...parts].join(':'));
    fc.assert(
      fc.property(pattern, arn, (candidate, resource) => {
        fc.pre(statement({ Resource: candidate }).all_resources);
        expect(resource).toMatch(matcher(candidate));
      }),
    );
  });
});

describe('principals', () => {
  const of = (part: object) => statement({ Resource: undefined, ...part }).principals;

  it.each([['*'], [{ AWS: '*' }], [{ AWS: ['*'] }]])('everyone: %j', (principal) => {
    expect(of({ Principal: principal }).everyone).toBe(true);
  });

  it.each([[{ Service: '*' }], [{ Federated: '*' }], [{ AWS: 'arn:aws:iam::*:root' }], [{}]])(
    'not everyone: %j',
    (principal) => {
      expect(of({ Principal: principal }).everyone).toBe(false);
    },
  );

  it('knows the account of each AWS principal, and keeps what names none as written', () => {
    const principals = of({
      Principal: {
        AWS: [
          '123456789012',
          'arn:aws:iam::123456789012:root',
          'arn:aws-cn:iam::210987654321:role/x',
          'arn:aws:sts::111122223333:assumed-role/x/y',
          'AROAEXAMPLEEXAMPLE000',
          'arn:aws:iam::1234567890123:root',
        ],
      },
    });
    expect(principals.accounts).toEqual([
      '123456789012',
      '210987654321',
      '111122223333',
      'AROAEXAMPLEEXAMPLE000',
      'arn:aws:iam::1234567890123:root',
    ]);
    expect(principals.everyone).toBe(false);
  });

  it('reads services, identity providers and canonical users', () => {
    expect(
      of({
        Principal: {
          Service: ['ec2.amazonaws.com'],
          Federated: 'arn:aws:iam::123456789012:saml-provider/Okta',
          CanonicalUser: 'abc',
        },
      }),
    ).toEqual({
      everyone: false,
      aws: [],
      accounts: [],
      service: ['ec2.amazonaws.com'],
      federated: ['arn:aws:iam::123456789012:saml-provider/Okta'],
      canonical: ['abc'],
    });
  });

  it('an Allow with NotPrincipal admits everyone else; a Deny with it spares somebody', () => {
    const some = { AWS: 'arn:aws:iam::123456789012:root' };
    expect(of({ NotPrincipal: some }).everyone).toBe(true);
    expect(of({ Effect: 'Deny', NotPrincipal: some }).everyone).toBe(false);
  });
});

/** The pattern language of IAM, by its definition: `*` any characters, `?` any one. */
function matcher(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\/-]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
