import type { Collector } from '../../../src/plugin.ts';
import type { GitHubScope } from '../scope.ts';
import { ruleBypasses } from './rule-bypasses.ts';
import { settingsChanges } from './settings-changes.ts';

const collector: Collector<GitHubScope> = {
  id: 'github.audit',
  title: 'GitHub rules and settings: who went around or changed them',
  datasets: [ruleBypasses, settingsChanges],
};

export default collector;
