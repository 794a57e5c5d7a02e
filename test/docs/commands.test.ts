import { Command } from 'commander';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../src/cli/exit.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { codes, fences, firstCodes, pages, rows, section, sections } from './pages.ts';

const page = 'docs/commands.md';

/** Every command by its whole name, with its options and arguments as help shows them. */
const commands = new Map<string, { words: string[]; defaults: string[] }>();

beforeAll(async () => {
  // createProgram hands out a function only: the program is caught where it starts to parse.
  let program: Command | undefined;
  const caught = vi.spyOn(Command.prototype, 'parseAsync').mockImplementation(function (
    this: Command,
  ) {
    program = this;
    return Promise.resolve(this);
  });
  await createProgram({
    terminal: createTerminal({}),
    env: {},
    signal: new AbortController().signal,
  })([]);
  caught.mockRestore();
  if (program === undefined) throw new Error('createProgram did not parse');
  walk(program, program.name());
});

function walk(command: Command, name: string): void {
  const help = command.createHelp();
  commands.set(name, {
    words: [
      ...help.visibleArguments(command).map((each) => {
        const inner = each.variadic ? `${each.name()}...` : each.name();
        return each.required ? `<${inner}>` : `[${inner}]`;
      }),
      ...help.visibleOptions(command).map((option) => option.flags),
    ],
    defaults: command.options
      .filter(({ defaultValue }) => defaultValue !== undefined)
      .map(({ defaultValue }) => String(defaultValue)),
  });
  for (const child of command.commands) walk(child, `${name} ${child.name()}`);
}

/** Every call of the program in a block, as words behind its name. */
function callsIn(text: string): string[][] {
  // What stands in quotes is an argument, whatever is in it; an option may stand on its own line.
  const plain = text.replace(/"[^"]*"|'[^']*'/g, '…').replace(/\\?\n\s+--/g, ' --');
  const calls = plain.matchAll(/(?:^|\s)(?:tickmark|\S+\/main\.js) ([a-z][^|&;>#\n]*)/gm);
  return [...calls].map(([, words = '']) => words.trim().split(/\s+/));
}

/** Whether the command is there, and has the options that follow it. */
function isKnown(words: string[]): boolean {
  const options = words.filter((word) => /^--?[a-z]/.test(word));
  const names = words.slice(0, 2).map((_word, index) => ['tickmark', ...words.slice(0, index + 1)]);
  const command = names
    .reverse()
    .map((name) => commands.get(name.join(' ')))
    .find((each) => each !== undefined);
  const known = command?.words.flatMap((word) => word.split(/[ ,]+/));
  return known !== undefined && options.every((option) => known.includes(option));
}

/** Named once at the top of the page. */
const everywhere = ['-h, --help'];

describe(page, () => {
  it('has a section for each command and for no other', () => {
    const described = sections(page).flatMap(({ heading }) => codes(heading));
    expect(commands.size).toBeGreaterThan(10);
    expect(described.sort()).toEqual([...commands.keys()].sort());
  });

  it('names each argument and option of each command and no other', () => {
    const written = [...commands.keys()].map((name) => [
      name,
      firstCodes(section(page, `\`${name}\``))
        .filter((code) => /^[-<[]/.test(code) && !everywhere.includes(code))
        .sort(),
    ]);
    const there = [...commands].map(([name, { words }]) => [
      name,
      words.filter((word) => !everywhere.includes(word)).sort(),
    ]);
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(there));
    expect(firstCodes(section(page, '`tickmark`'))).toEqual(expect.arrayContaining(everywhere));
  });

  it('says every default', () => {
    for (const [name, { defaults }] of commands) {
      for (const value of defaults) expect(section(page, `\`${name}\``), name).toContain(value);
    }
  });

  it.each(pages)('%s shows commands and options that there are', (each) => {
    const wrong = fences(each)
      .filter(({ info: [kind = ''] }) => ['sh', 'yaml'].includes(kind))
      .flatMap(({ text }) => callsIn(text))
      .filter((words) => !isKnown(words));
    expect(wrong).toEqual([]);
  });

  it.each([page, 'README.md'])('%s explains the exit codes that there are', (each) => {
    const text = section(each, 'Exit codes');
    const table = rows(text)
      .map(([first = '']) => first)
      .filter((first) => /^`\d+`$/.test(first));
    expect(table.map((cell) => Number(cell.slice(1, -1)))).toEqual(Object.values(exitCodes));
  });
});
