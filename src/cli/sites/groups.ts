const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 300_000;

/** Wait before the n-th start after a failure: 1 s · 2^(n−1), five minutes at most. */
export const backoffMs = (failures: number): number => Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1));

/** Sites over processes, as evenly as they go, in order. */
export const dealOut = <T>(sites: readonly T[], processes: number): readonly (readonly T[])[] => {
  const count = Math.max(1, Math.min(processes, sites.length));
  const groups: T[][] = Array.from({ length: count }, () => []);
  for (const [i, site] of sites.entries()) groups[Math.floor((i * count) / sites.length)]!.push(site);
  return groups;
};

/**
 * Who shares a process after one has ended of itself. Those in the middle of something (`suspects`) are set apart from the others; where nobody or everybody was, or a
 * single site is left, the group is halved: a site that ends its process again and again is alone after log₂ n ends at most, and from then on harms nobody else.
 */
export const splitAfterEnd = (sites: readonly string[], suspects: ReadonlySet<string>): readonly (readonly string[])[] => {
  if (sites.length <= 1) return [sites];
  const apart = sites.filter((site) => suspects.has(site));
  const others = sites.filter((site) => !suspects.has(site));
  return apart.length > 0 && others.length > 0 ? [others, apart] : dealOut(sites, 2);
};
