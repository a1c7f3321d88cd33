import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normals, philox4x32, uniform, uniforms } from "#math/random";
import { mean, normalCdf, variance } from "#math/statistics";

const hex = (out: Uint32Array): string => Array.from(out, (word) => word.toString(16).padStart(8, "0")).join(" ");

describe("Philox4x32-10", () => {
  it.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ] as const)("gives Random123's known answer for counter %j, key %j", ([c0, c1, c2, c3], [k0, k1], expected) => {
    const out = new Uint32Array(4);
    philox4x32(out, c0, c1, c2, c3, k0, k1);
    expect(hex(out)).toBe(expected);
  });
});

describe("random streams", () => {
  it("give the same numbers whatever part of the stream is drawn", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(1000), fc.nat(40), (seed, stream, offset, length) => {
        for (const draw of [normals, uniforms]) {
          const whole = new Float64Array(offset + length);
          draw(seed, stream, whole);
          const part = new Float64Array(length);
          draw(seed, stream, part, offset);
          expect(part).toEqual(whole.slice(offset));
        }
      }),
    );
  });

  it("differ between seeds and between streams, also beyond 32 bits", () => {
    const draws = [
      [1, 1],
      [2, 1],
      [1, 2],
      [1 + 2 ** 32, 1],
      [1, 1 + 2 ** 32],
    ].map(([seed, stream]) => uniform(seed!, stream!, 0));
    expect(new Set(draws).size).toBe(draws.length);
    expect(uniform(1, 1, 2 ** 33)).not.toBe(uniform(1, 1, 0));
  });

  it("are standard normal: moments and the Kolmogorov distance of 200,000 draws", () => {
    const out = new Float64Array(200_000);
    normals(42, 7, out);
    expect(Math.abs(mean(out))).toBeLessThan(4 / Math.sqrt(out.length));
    expect(Math.abs(variance(out) - 1)).toBeLessThan(4 * Math.sqrt(2 / out.length));
    const distance = out
      .slice()
      .sort()
      .reduce((largest, value, i) => Math.max(largest, Math.abs(normalCdf(value) - (i + 0.5) / out.length)), 0);
    expect(distance).toBeLessThan(1.95 / Math.sqrt(out.length));
  });

  it("refuse a seed that is not a whole number", () => {
    expect(() => normals(1.5, 0, new Float64Array(1))).toThrow(RangeError);
    expect(() => normals(0, -1, new Float64Array(1))).toThrow(RangeError);
  });
});
