import { z } from "zod";

/** A schema of an answer; fails to compile where the type on the wire has come to differ from it. */
type Deep<T> = T extends readonly (infer E)[] ? readonly Deep<E>[] : T extends object ? { readonly [K in keyof T]: Deep<T[K]> } : T;
export const of =
  <T>() =>
  <S extends z.ZodType>(schema: S & (Deep<T> extends Deep<z.infer<S>> ? unknown : "the schema does not take what the type allows")): S =>
    schema;

export const timeMs = z.number().describe("Unix milliseconds, UTC");
export const timeOrNull = timeMs.nullable();
export const number = z.number();
export const numberOrNull = z.number().nullable();
export const text = z.string();
export const numbers = z.array(number);
export const fraction = z.number().describe("0 to 1");

export const source = z.enum(["mppi", "rule", "schedule", "hold", "override", "relinquish"]).meta({ id: "ControlSource" });
export const setpoints = z.object({ heatingSetpointC: number, coolingSetpointC: number }).meta({ id: "ZoneSetpoints" });
