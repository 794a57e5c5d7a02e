import { describe, expect, it } from 'vitest';
import { githubPermissions } from '../../src/collect/permissions.ts';

describe('githubPermissions', () => {
  it('are those of all declared calls, each once, the highest level of each', () => {
    const source = { calls: { 'graphql:Identity': 'metadata:read' } };
    const datasets = [
      { calls: { 'graphql:People': 'members:read metadata:read' } },
      { calls: { 'GET /orgs/{org}/rulesets': 'organization_administration:read' } },
      { calls: { 'GET /x': 'organization_administration:write' } },
      { calls: { 'POST /y': 'an App that is installed' } },
    ];
    expect(githubPermissions(source, datasets)).toEqual({
      permissions: { members: 'read', metadata: 'read', organization_administration: 'write' },
    });
  });
});
