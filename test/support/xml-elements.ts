/** Cuts XML into elements by their depth, without reading more of it than tests need. */

/** One element, as the text it stands in. */
export interface XmlElement {
  name: string;
  /** Where it begins. */
  start: number;
  /** From `<name>` to `</name>`. */
  outer: string;
  inner: string;
}

/** The elements directly inside `xml`, in order; what stands inside those is left unread. */
export function childElements(xml: string): XmlElement[] {
  const children: XmlElement[] = [];
  const tags = /<(\/?)([A-Za-z_][\w.:-]*)[^>]*?(\/?)>/g;
  let depth = 0;
  let start = 0;
  let innerStart = 0;
  for (let tag = tags.exec(xml); tag !== null; tag = tags.exec(xml)) {
    const [text, closing, name = '', empty] = tag;
    if (closing === '' && depth === 0) {
      start = tag.index;
      innerStart = tags.lastIndex;
    }
    if (closing === '/') depth -= 1;
    else if (empty === '') depth += 1;
    if (depth === 0) {
      const innerEnd = empty === '' ? tag.index : innerStart;
      children.push({
        name,
        start,
        outer: xml.slice(start, tag.index + text.length),
        inner: xml.slice(innerStart, innerEnd),
      });
    }
  }
  return children;
}

/** The text inside the first child of this name; undefined when there is none. */
export function childText(xml: string, name: string): string | undefined {
  return childElements(xml).find((child) => child.name === name)?.inner;
}

/** A text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The text that stands between tags, with the five entities of XML read. */
export function unescapeXml(text: string): string {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(
    /&(amp|lt|gt|quot|apos);/g,
    (entity, name: string) => entities[name] ?? entity,
  );
}

/**
 * The document with the inside of one element changed; `path` names it from the root down.
 * @throws Error when there is no such element
 */
export function changeInner(
  xml: string,
  path: string[],
  change: (inner: string) => string,
): string {
  const [name, ...below] = path;
  if (name === undefined) return change(xml);
  const element = childElements(xml).find((child) => child.name === name);
  if (element === undefined) throw new Error(`there is no <${name}> in ${xml.slice(0, 200)}`);
  const { start, outer, inner } = element;
  const openTag = outer.slice(0, outer.indexOf('>') + 1).replace(/\s*\/>$/, '>');
  const changed = changeInner(inner, below, change);
  return `${xml.slice(0, start)}${openTag}${changed}</${name}>${xml.slice(start + outer.length)}`;
}
