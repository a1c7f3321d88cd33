import type { Feature, FeatureTerm, PlainTerm } from "#domain/features";

/** A model input with the name under which priors know it: the same name in every building. */
export interface Column {
  readonly key: string;
  readonly feature: Feature;
}

const quantityOf = (point: string): string => point.slice(point.lastIndexOf(".") + 1);

const plainKey = (term: PlainTerm): string => {
  switch (term.kind) {
    case "state":
      return `state.${quantityOf(term.point)}.${term.lagSteps}`;
    case "difference":
      return `difference.${term.steps}`;
    case "slowMean":
      return `slowMean.${term.timeConstantS}`;
    case "neighbour":
      return "neighbour";
    case "offset":
      return `offset.${quantityOf(term.point)}`;
    case "disturbance":
      return `disturbance.${quantityOf(term.point)}.${term.lagSteps}`;
    case "setpoint":
      return `setpoint.${term.side}.${term.lagSteps}`;
    case "demand":
      return `demand.${term.mode}`;
    case "effort":
      return term.timeConstantS === null ? "call" : `effort.${term.timeConstantS}`;
    case "timeOfDay":
      return `${term.phase}${term.harmonic}`;
    case "workday":
    case "constant":
      return term.kind;
    case "product":
      return term.factors.map(plainKey).join("*");
  }
};

/** Name of a term without the building's own ids, so that what one building taught can serve another. */
export const columnKey = (term: FeatureTerm): string => (term.kind === "gated" ? `${term.mode}*${plainKey(term.term)}` : plainKey(term));

export const column = (term: FeatureTerm, scale: number): Column => ({ key: columnKey(term), feature: { term, scale } });
