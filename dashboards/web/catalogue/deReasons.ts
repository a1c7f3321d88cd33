/**
 * German for the sentences in which the daemon says why it does something. They are stored with every decision in English, as they were said then; here each is
 * recognised by its form. What is not recognised stays as it is.
 */
import { type Held, type Reader, type Saying, sentenceBySentence } from "#dashboards/web/catalogue/sentences";

const number = "-?\\d+(?:\\.\\d+)?";
const zoneAnd = "(?<zone>\\S+)(?: \\(and (?<more>\\d+) more zones?\\))?";
const rule = "\\((?<rule>[^)]*)\\)";
const sure = `the surest spreads by (?<surest>${number}) K and (?<bound>${number}) K are allowed`;

const others = ({ more }: Held): string => (more === undefined ? "" : ` (und ${more} weitere ${more === "1" ? "Zone" : "Zonen"})`);
const named = (held: Held): string => `${held.zone}${others(held)}`;
const heats = ({ mode }: Held): string => (mode === "heating" ? "heizen" : "kühlen");
const when = ({ lead }: Held): string => (lead === undefined ? "zu Beginn der Belegung" : `${lead} min vor der Belegung`);
const start = `Starts (?<mode>heating|cooling) ${zoneAnd} (?:when occupancy begins|(?<lead>\\d+) min before occupancy)`;

const differences: readonly Saying[] = [
  {
    form: `Does not start (?<mode>heating|cooling) ${zoneAnd} for occupancy, where the rule would (?<by>\\d+) min before`,
    german: (held) =>
      `${held.mode === "heating" ? "Heizt" : "Kühlt"} ${named(held)} nicht für die Belegung vor, die Regel täte es ${held.by} min vorher`,
  },
  {
    form: `${start}, where the rule would not start at all`,
    german: (held) => `Beginnt ${when(held)}, ${named(held)} zu ${heats(held)}, wo die Regel es gar nicht täte`,
  },
  {
    form: `${start}, (?<by>\\d+) min (?<side>later|earlier) than the rule would`,
    german: (held) =>
      `Beginnt ${when(held)}, ${named(held)} zu ${heats(held)}, ${held.by} min ${held.side === "later" ? "später" : "früher"} als die Regel`,
  },
  {
    form: `Keeps (?<zone>\\S+) (?<by>${number}) K (?<side>warmer|cooler) than the rule would while it is (?<state>occupied|empty)`,
    german: ({ zone, by, side, state }) =>
      `Hält ${zone} um ${by} K ${side === "warmer" ? "wärmer" : "kühler"} als die Regel, solange dort ${state === "occupied" ? "jemand" : "niemand"} ist`,
  },
  {
    form: "Differs from the rule by less than anybody would feel",
    german: () => "Unterscheidet sich von der Regel um weniger, als jemand spüren würde",
  },
];

const spares = `spares (?<spared>${number}) Kh outside the band`;
const sparing = ({ spared }: Held): string => `erspart ${spared} Kh außerhalb des Bands`;
const costs: readonly Saying[] = [
  { form: `${spares} at the same cost`, german: (held) => `${sparing(held)} bei gleichen Kosten` },
  { form: "at the same cost", german: () => "bei gleichen Kosten" },
  {
    form: `${spares} and saves (?<money>${number}) (?<currency>\\S+?)(?=[,.])`,
    german: (held) => `${sparing(held)} und spart ${held.money} ${held.currency}`,
  },
  { form: `saves (?<money>${number}) (?<currency>\\S+?)(?=[,.])`, german: ({ money, currency }) => `spart ${money} ${currency}` },
  {
    form: `${spares} for (?<money>${number}) (?<currency>\\S+) more`,
    german: (held) => `${sparing(held)} für ${held.money} ${held.currency} mehr`,
  },
  { form: `costs (?<money>${number}) (?<currency>\\S+) more`, german: ({ money, currency }) => `kostet ${money} ${currency} mehr` },
];

const comforts: readonly Saying[] = [
  { form: "nobody is there in the hours planned", german: () => "in den geplanten Stunden ist niemand da" },
  {
    form: `(?<zone>\\S+) is expected up to (?<by>${number}) K (?<side>below|above) its band`,
    german: ({ zone, by, side }) => `${zone} wird bis ${by} K ${side === "below" ? "unter" : "über"} dem Band erwartet`,
  },
  {
    form: `comfort is expected within (?<by>${number}) K of the band for (?<share>\\d+) % of the time that people are there`,
    german: ({ by, share }) => `das Band wird in ${share} % der Zeit, in der jemand da ist, auf ${by} K eingehalten`,
  },
];

/** Why a zone is left to the rule. */
const doubts: readonly Saying[] = [
  {
    form: `the last (?<steps>\\d+) steps ended (?<by>${number}) times as far from the model's predictions as they should`,
    german: ({ steps, by }) => `die letzten ${steps} Schritte endeten ${by}-mal so weit von den Vorhersagen des Modells, wie sie sollten`,
  },
  {
    form: "planning has cost (?<by>\\d+) % more than the rule was predicted to, over (?<steps>\\d+) decisions",
    german: ({ by, steps }) => `das Planen hat über ${steps} Entscheidungen ${by} % mehr gekostet, als von der Regel zu erwarten war`,
  },
  { form: "the model is doubted", german: () => "am Modell wird gezweifelt" },
  {
    form: "the model is of the first days and has to prove itself first \\([^)]*\\)",
    german: () => "das Modell ist aus den ersten Tagen und muss sich noch bewähren",
  },
];

const whole: readonly Saying[] = [
  {
    form: `The rule acts ${rule}: the model is not sure enough of any of (?<plans>\\d+) plans, ${sure}\\.`,
    german: (held) =>
      `Die Regel handelt (${held.rule}): Das Modell ist sich bei keinem von ${held.plans} Plänen sicher genug, der sicherste streut um ${held.surest} K, erlaubt sind ${held.bound} K.`,
  },
  {
    form: `In ${zoneAnd} the rule acts: no plan is sure enough there, ${sure}\\.`,
    german: (held) =>
      `In ${named(held)} handelt die Regel: Kein Plan ist dort sicher genug, der sicherste streut um ${held.surest} K, erlaubt sind ${held.bound} K.`,
  },
  {
    form: `Over (?<ways>\\d+) ways in which weather and people may come, as far as forecasts of them have been off, it costs (?<money>${number}) (?<currency>\\S+) less in the mean than what is cheapest if the forecast comes true\\.`,
    german: ({ ways, money, currency }) =>
      `Über ${ways} Verläufe von Wetter und Belegung, so weit Vorhersagen zuletzt daneben lagen, kostet das im Mittel ${money} ${currency} weniger als das, was bei zutreffender Vorhersage am billigsten wäre.`,
  },
  {
    form: `The rule acts ${rule}: the model could not predict any of (?<plans>\\d+) plans\\.`,
    german: (held) => `Die Regel handelt (${held.rule}): Das Modell konnte keinen von ${held.plans} Plänen vorhersagen.`,
  },
  {
    form: `The rule acts ${rule}: planning was stopped before any plan was evaluated\\.`,
    german: (held) => `Die Regel handelt (${held.rule}): Das Planen wurde beendet, bevor ein Plan bewertet war.`,
  },
  {
    form: `(?<side>Warms|Cools) (?<zone>\\S+) by (?<by>${number}) K for one step to see how it drifts back, of which the model is unsure by (?<unsure>${number}) K: costs (?<money>${number}) (?<currency>\\S+?)\\.(?= |$)`,
    german: ({ side, zone, by, unsure, money, currency }) =>
      `${side === "Warms" ? "Erwärmt" : "Kühlt"} ${zone} einen Schritt lang um ${by} K, um zu sehen, wie die Zone zurückdriftet, worin das Modell um ${unsure} K unsicher ist: kostet ${money} ${currency}.`,
  },
  {
    form: "Acts on the model's plan; what the rule would do could not be predicted\\.",
    german: () => "Handelt nach dem Plan des Modells; was die Regel täte, ließ sich nicht vorhersagen.",
  },
  {
    form: "No model has been learned yet: (?<rule>[^.]*) instead\\.",
    german: (held) => `Es ist noch kein Modell gelernt, stattdessen: ${held.rule}.`,
  },
  {
    form: "The planner is still busy with an earlier decision: (?<rule>[^.]*) instead\\.",
    german: (held) => `Der Planer rechnet noch an einer früheren Entscheidung, stattdessen: ${held.rule}.`,
  },
  {
    form: `The plan took longer than (?<by>${number}) s: (?<rule>[^.]*) instead\\.`,
    german: (held) => `Das Planen dauerte länger als ${held.by} s, stattdessen: ${held.rule}.`,
  },
  {
    form: "The plan is not finite: (?<rule>[^.]*) instead\\.",
    german: (held) => `Der Plan enthält keine brauchbaren Zahlen, stattdessen: ${held.rule}.`,
  },
  {
    form: "Nothing fresh to plan from \\(Stale data: (?<point>\\S+) has no value.*?\\): (?<rule>[^.]*) instead\\.",
    german: ({ point, rule }) => `Für einen Plan fehlt ein frischer Wert von ${point}, stattdessen: ${rule}.`,
  },
  {
    form: "Nothing fresh to plan from \\(.*?\\): (?<rule>[^.]*) instead\\.",
    german: (held) => `Für einen Plan fehlen frische Werte, stattdessen: ${held.rule}.`,
  },
  {
    form: "The planner failed \\(.*?\\): (?<rule>[^.]*) instead\\.",
    german: (held) => `Der Planer ist gescheitert (Näheres im Protokoll), stattdessen: ${held.rule}.`,
  },
  { form: "Control is off: the building's own control decides\\.", german: () => "Die Regelung ist aus: Das Gebäude regelt sich selbst." },
  {
    form: "Shadow mode: setpoints are proposed, the building's own control decides\\.",
    german: () => "Schattenbetrieb: Sollwerte werden nur vorgeschlagen, das Gebäude regelt sich selbst.",
  },
  {
    form: "Its temperature has been away for too long: the building's own control decides\\.",
    german: () => "Die Temperatur fehlt seit zu langem: Das Gebäude regelt sich selbst.",
  },
  {
    form: "The last setpoints have expired: the building's own control decides\\.",
    german: () => "Die letzten Sollwerte sind abgelaufen: Das Gebäude regelt sich selbst.",
  },
  { form: "Set by (?<by>.+?)\\.$", german: ({ by }) => `Gesetzt von ${by}.` },
  { form: "The planner decides\\.", german: () => "Der Planer entscheidet." },
  { form: "The rule decides\\.", german: () => "Die Regel entscheidet." },
  {
    form: "The bounded schedule holds the zone, because it is not measured\\.",
    german: () => "Der begrenzte Zeitplan hält die Zone, weil sie nicht gemessen wird.",
  },
  {
    form: "Its temperature is missing for a moment; the setpoints stay as they are\\.",
    german: () => "Die Temperatur fehlt für einen Augenblick; die Sollwerte bleiben, wie sie sind.",
  },
  { form: "Set by a person\\.", german: () => "Von Hand gesetzt." },
  { form: "The building's own control decides\\.", german: () => "Das Gebäude regelt sich selbst." },
];

/** A sentence of several clauses: difference, cost, comfort; or the rule's plan and comfort; or zones and why they are doubted. */
const clauses = (reader: Reader): string | null => {
  const from = reader.at;
  const same = reader.take([
    {
      form: `Does what the rule would ${rule}, nothing cheaper was found: `,
      german: (held) => `Tut, was die Regel täte (${held.rule}), nichts Billigeres wurde gefunden: `,
    },
  ]);
  if (same !== null) {
    const comfort = reader.take(comforts);
    if (comfort !== null && reader.skip(".")) return `${same}${comfort}.`;
  }
  reader.at = from;
  const difference = reader.take([
    ...differences,
    { form: `Does what the rule would ${rule}`, german: (held) => `Tut, was die Regel täte (${held.rule})` },
  ]);
  if (difference !== null && reader.skip(": ")) {
    // Of a single zone nothing is said of costs.
    const alone = reader.take(comforts);
    if (alone !== null && reader.skip(".")) return `${difference}: ${alone}.`;
    const cost = reader.take(costs);
    if (cost !== null && reader.skip(", ")) {
      const comfort = reader.take(comforts);
      if (comfort !== null && reader.skip(".")) return `${difference}: ${cost}, ${comfort}.`;
    }
  }
  reader.at = from;
  const left = reader.take([
    { form: `The rule acts ${rule}: in ${zoneAnd} `, german: (held) => `Die Regel handelt (${held.rule}): In ${named(held)} gilt: ` },
    { form: `In ${zoneAnd} the rule acts: `, german: (held) => `In ${named(held)} handelt die Regel: ` },
  ]);
  if (left !== null) {
    const doubt = reader.take(doubts);
    if (doubt !== null && reader.skip(".")) return `${left}${doubt}.`;
  }
  reader.at = from;
  return null;
};

/** A reason in German, with zones by their labels; sentences of a form that is not known as they are. */
export const germanReason = (text: string, label: (zone: string) => string): string =>
  sentenceBySentence(text, label, (reader) => reader.take(whole) ?? clauses(reader));
