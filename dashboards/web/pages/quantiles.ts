/** Standard normal quantiles of the 90th and the 95th percentile: the fan is meanC ± z · stdDevK. */
export const z90 = 1.2815515655446004;
export const z95 = 1.6448536269514722;
