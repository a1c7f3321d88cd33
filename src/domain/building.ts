/** What is known of a site before any data: shared by configuration, loop and dashboard. */
export interface ZoneInfo {
  readonly id: string;
  readonly label: string;
  /** m²; null where unknown. */
  readonly floorAreaM2: number | null;
}
export interface SiteInfo {
  readonly id: string;
  readonly label: string;
  readonly zones: readonly ZoneInfo[];
  /** IANA name, used only where people write or read times. */
  readonly timeZone: string;
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  /** e.g. EUR; shown beside money. */
  readonly currency: string;
}
