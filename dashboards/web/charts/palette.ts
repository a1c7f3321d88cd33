/** Colours of the style sheet, for canvases. */
export interface Palette {
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly surface: string;
  readonly measured: string;
  readonly plan: string;
  readonly fanInner: string;
  readonly fanOuter: string;
  readonly band: string;
  readonly bandEdge: string;
  readonly heating: string;
  readonly cooling: string;
  readonly power: string;
  readonly powerFill: string;
  readonly price: string;
  readonly peak: string;
  readonly sun: string;
}

export const readPalette = (): Palette => {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--chart-${name}`).trim();
  return {
    ink: read("ink"),
    muted: read("muted"),
    line: read("line"),
    surface: read("surface"),
    measured: read("measured"),
    plan: read("plan"),
    fanInner: read("fan-inner"),
    fanOuter: read("fan-outer"),
    band: read("band"),
    bandEdge: read("band-edge"),
    heating: read("heating"),
    cooling: read("cooling"),
    power: read("power"),
    powerFill: read("power-fill"),
    price: read("price"),
    peak: read("peak"),
    sun: read("sun"),
  };
};

/** Diagonal hatching, so that the outer fan is told from the inner one without colour. */
export const hatch = (color: string): CanvasPattern | string => {
  const tile = document.createElement("canvas");
  tile.width = 8;
  tile.height = 8;
  const context = tile.getContext("2d");
  if (context === null) return color;
  context.strokeStyle = color;
  context.lineWidth = 1.4;
  context.beginPath();
  for (const offset of [-8, 0, 8]) {
    context.moveTo(offset, 8);
    context.lineTo(offset + 8, 0);
  }
  context.stroke();
  return context.createPattern(tile, "repeat") ?? color;
};
