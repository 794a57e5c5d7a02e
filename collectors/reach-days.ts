/**
 * Days for which a source tells of an event, by dataset; what always does is not among them. They
 * stand here so that a period can be looked at without loading a collector, which takes longer than
 * all the rest of a start.
 */
export const reachDays = {
  /** GitHub tells of a month, which is 28 days at least. */
  'github.rule_bypasses': 28,
  /** GitHub keeps its audit log for 180 days; a day less, since its days are its own. */
  'github.settings_changes': 179,
};
