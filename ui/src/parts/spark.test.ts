import { expect, it } from "vitest";
import { sparkPath } from "./Spark";

it("goes from the left edge to the right one, the greatest at the top", () => expect(sparkPath([0, 10, 5], 100, 24)).toBe("M0.0 22.0L50.0 2.0L100.0 12.0"));
it("leaves gaps", () => expect(sparkPath([1, Number.NaN, 2], 100, 24)).toBe("M0.0 22.0M100.0 2.0"));
it("of one value is flat", () => expect(sparkPath([3, 3], 100, 24)).toBe("M0.0 12.0L100.0 12.0"));
it("of nothing is nothing", () => expect([sparkPath([]), sparkPath([Number.NaN, Number.POSITIVE_INFINITY])]).toEqual(["", ""]));
