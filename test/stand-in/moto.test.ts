import { GetPolicyCommand, IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { clientSettings, seed } from '../support/aws-world.ts';
import { motoAvailable, motoMissing, startMoto } from '../support/moto.ts';

describe.skipIf(!motoAvailable)(`moto${motoMissing}`, () => {
  it('runs several at once, each forgets on reset, and nothing answers once stopped', async () => {
    const motos = await Promise.all([startMoto(), startMoto()]);
    const endpoints = motos.map((moto) => moto.endpoint);
    try {
      const [first, second] = motos;
      expect(first?.endpoint).not.toBe(second?.endpoint);
      const world = { account: '123456789012', users: [{ name: 'alice' }] };
      for (const { endpoint } of motos) await seed(world, endpoint);
      await first?.reset();
      expect(await userNames(endpoints[0])).toEqual([]);
      expect(await userNames(endpoints[1])).toEqual(['alice']);
    } finally {
      await Promise.all(motos.map((moto) => moto.stop()));
    }
    for (const endpoint of endpoints) await expect(fetch(endpoint)).rejects.toThrow();
  });

  it("knows AWS's own managed policies", async () => {
    const moto = await startMoto();
    const iam = new IAMClient(clientSettings(moto.endpoint));
    try {
      const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
      expect(Policy?.PolicyName).toBe('AdministratorAccess');
    } finally {
      iam.destroy();
      await moto.stop();
    }
  });
});

async function userNames(endpoint = ''): Promise<string[]> {
  const iam = new IAMClient(clientSettings(endpoint));
  const { Users = [] } = await iam.send(new ListUsersCommand({}));
  iam.destroy();
  return Users.map((user) => user.UserName ?? '');
}
