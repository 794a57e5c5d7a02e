/** The formats that a report can have. */
export const formats = [
  'html',
  'markdown',
  'junit',
  'sarif',
  'csv',
  'xlsx',
  'oscal',
  'json',
] as const;
export type Format = (typeof formats)[number];

/** A file that a run leaves behind, and what into it. */
export interface NightReport {
  format: Format;
  file: string;
}
