/** Shape and colour of a controller in every chart: never told apart by colour alone. Colours after Okabe & Ito (2008), dark enough for text. */
export interface Mark {
  readonly colour: string;
  readonly shape: "circle" | "square" | "triangle" | "diamond" | "cross" | "star" | "down" | "ring";
}

const marks: Readonly<Record<string, Mark>> = {
  schedule: { colour: "#6b7280", shape: "cross" },
  rule: { colour: "#0072b2", shape: "square" },
  "rule-best": { colour: "#111827", shape: "star" },
  mppi: { colour: "#c2410c", shape: "circle" },
  clue: { colour: "#7e3794", shape: "triangle" },
  "clue-mended": { colour: "#a8327e", shape: "down" },
  "random-shooting": { colour: "#8a6d00", shape: "diamond" },
  ensemble: { colour: "#007a5a", shape: "ring" },
};

export const markOf = (controller: unknown): Mark => marks[String(controller)] ?? { colour: "#374151", shape: "circle" };

/** SVG of a mark around (x, y). */
export function markSvg({ colour, shape }: Mark, x: number, y: number, r: number): string {
  const polygon = (...corners: readonly (readonly [number, number])[]): string =>
    `<polygon points="${corners.map(([dx, dy]) => `${(x + dx * r).toFixed(1)},${(y + dy * r).toFixed(1)}`).join(" ")}" fill="${colour}" stroke="#fff"/>`;
  switch (shape) {
    case "square":
      return polygon([-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]);
    case "triangle":
      return polygon([0, -1.1], [1, 0.8], [-1, 0.8]);
    case "down":
      return polygon([0, 1.1], [1, -0.8], [-1, -0.8]);
    case "diamond":
      return polygon([0, -1.15], [1.15, 0], [0, 1.15], [-1.15, 0]);
    case "star":
      return polygon(
        [0, -1.3],
        [0.35, -0.4],
        [1.25, -0.4],
        [0.55, 0.2],
        [0.8, 1.1],
        [0, 0.6],
        [-0.8, 1.1],
        [-0.55, 0.2],
        [-1.25, -0.4],
        [-0.35, -0.4],
      );
    case "cross":
      return `<path d="M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}" stroke="${colour}" stroke-width="2.5" fill="none"/>`;
    case "ring":
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r - 1}" fill="#fff" stroke="${colour}" stroke-width="3"/>`;
    case "circle":
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" fill="${colour}" stroke="#fff"/>`;
  }
}
