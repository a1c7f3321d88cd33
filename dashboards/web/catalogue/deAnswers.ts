import { type Saying, sentenceBySentence } from "#dashboards/web/catalogue/sentences";

/** German for what the server answers to people's orders: what was done, what was refused and what to do about it. */

const modes: Readonly<Record<string, string>> = { auto: "Automatik", shadow: "Schattenbetrieb", off: "aus" };
const dayForm = "\\d{4}-\\d\\d-\\d\\d";
const day = (text: string): string => text.split("-").reverse().join(".");
const days = ({ first, last }: Readonly<Record<string, string>>): string =>
  last === undefined ? `am ${day(first!)}` : `vom ${day(first!)} bis ${day(last)}`;
const daysForm = `(?:on|from) (?<first>${dayForm})(?: to (?<last>${dayForm}))?`;
const whole = (english: string, german: string): Saying => ({ form: english.replace(/[.?()]/g, "\\$&"), german: () => german });

/** Why something is not possible; the server puts it between "Not possible: " and a full stop, or says it alone. */
const refusals: readonly Saying[] = [
  { form: "no override stands in zone (?<zone>\\S+)", german: ({ zone }) => `In Zone ${zone} ist nichts von Hand gesetzt` },
  {
    form: "the schedule of zone (?<zone>\\S+) changes nothing in the coming weeks",
    german: ({ zone }) => `Der Zeitplan der Zone ${zone} ändert in den nächsten Wochen nichts`,
  },
  {
    form: "nothing is known to be in force in zone (?<zone>\\S+) that could be held",
    german: ({ zone }) => `Von Zone ${zone} ist nichts bekannt, was gehalten werden könnte`,
  },
  {
    form: "(?<pair>\\S+/\\S+) °C is not a heating setpoint below a cooling setpoint",
    german: ({ pair }) => `${pair!.replaceAll(".", ",")} °C: Der Heizsollwert muss unter dem Kühlsollwert liegen`,
  },
  whole("the override would have ended already", "Die Vorgabe wäre schon vorbei"),
  whole("the event would have ended already", "Das Ereignis wäre schon vorbei"),
  whole("the event ends before it begins", "Das Ereignis endet, bevor es beginnt"),
  whole("the event asks for nothing", "Das Ereignis verlangt nichts"),
  whole("there is no event", "Es gibt kein Ereignis"),
  whole("the last day is before the first", "Der letzte Tag liegt vor dem ersten"),
  {
    form: `the days are over already \\(today is (?<first>${dayForm})\\)`,
    german: (held) => `Die Tage sind schon vorbei (heute ist der ${day(held.first!)})`,
  },
  { form: "more than (?<number>\\d+) days at once", german: ({ number }) => `Mehr als ${number} Tage auf einmal` },
];

const sayings: readonly Saying[] = [
  { form: "Zone (?<zone>\\S+) is set by hand\\.", german: ({ zone }) => `Zone ${zone} ist von Hand gesetzt.` },
  { form: "Zone (?<zone>\\S+) is planned again\\.", german: ({ zone }) => `Zone ${zone} wird wieder geplant.` },
  {
    form: "It is noted, but the mode is (?<mode>auto|shadow|off): it takes effect in auto\\.",
    german: ({ mode }) => `Es ist notiert, wirkt aber erst im Automatikbetrieb (jetzt: ${modes[mode!]}).`,
  },
  { form: "The building is in mode (?<mode>auto|shadow|off)\\.", german: ({ mode }) => `Betriebsart des Gebäudes: ${modes[mode!]}.` },
  {
    form: "Zone (?<zone>\\S+) is in mode (?<mode>auto|shadow|off)\\.",
    german: ({ zone, mode }) => `Betriebsart der Zone ${zone}: ${modes[mode!]}.`,
  },
  {
    form: "Zone (?<zone>\\S+) has the building's mode again\\.",
    german: ({ zone }) => `Zone ${zone} folgt wieder der Betriebsart des Gebäudes.`,
  },
  whole("The event is announced; plans take it into account from now on.", "Das Ereignis ist angekündigt; von nun an wird danach geplant."),
  whole("The event is over.", "Das Ereignis ist beendet."),
  whole("These days were closed already.", "Diese Tage waren schon geschlossen."),
  { form: `Closed ${daysForm}\\.`, german: (held) => `Geschlossen ${days(held)}.` },
  { form: `No longer closed ${daysForm}\\.`, german: (held) => `Nicht mehr geschlossen ${days(held)}.` },
  {
    form: "Model (?<model>\\S+) is in force; before it was (?<before>\\S+)\\.(?= |$)",
    german: ({ model, before }) => `Modell ${model} ist in Kraft; vorher war es ${before}.`,
  },
  { form: "Model (?<model>\\S+) is in force\\.", german: ({ model }) => `Modell ${model} ist in Kraft.` },
  { form: "Model (?<model>\\S+) was in force already\\.", german: ({ model }) => `Modell ${model} war schon in Kraft.` },
  ...refusals.map(({ form, german }) => ({
    form: `Not possible: ${form}\\.`,
    german: (held: Readonly<Record<string, string>>) => `Nicht möglich: ${german(held)}.`,
  })),
  ...refusals.map(({ form, german }) => ({ form: `${form}\\.?$`, german: (held: Readonly<Record<string, string>>) => `${german(held)}.` })),
  whole("Name, password or token is wrong.", "Name, Passwort oder Schlüssel stimmt nicht."),
  whole("Try again; after several wrong ones you have to wait.", "Versuchen Sie es noch einmal; nach mehreren falschen müssen Sie warten."),
  whole("Too many wrong attempts.", "Zu viele falsche Versuche."),
  {
    form: "Wait (?<number>\\d+) s, then try again\\.",
    german: ({ number }) => `Warten Sie ${number} s und versuchen Sie es dann noch einmal.`,
  },
  whole("Too many requests from this address.", "Zu viele Anfragen von dieser Adresse."),
  whole("Wait a minute.", "Warten Sie eine Minute."),
  whole("Too many log-ins are under way.", "Zu viele Anmeldungen auf einmal."),
  whole("Try again in a minute.", "Versuchen Sie es in einer Minute noch einmal."),
  whole("Try again in a moment.", "Versuchen Sie es gleich noch einmal."),
  whole("This needs a log-in.", "Dafür müssen Sie angemeldet sein."),
  whole("Log in.", "Melden Sie sich an."),
  {
    form: "This needs the role (?<role>\\w+); you are (?<own>\\w+)\\.",
    german: ({ role, own }) => `Dafür braucht es die Rolle ${role}; Sie haben ${own}.`,
  },
  whole("Ask an admin.", "Fragen Sie einen Administrator."),
  whole("The request does not come from this dashboard's own page.", "Die Anfrage kommt nicht von der Seite dieser Oberfläche."),
  whole("There is a user already.", "Es gibt schon einen Benutzer."),
  whole("Log in, or ask an admin for an account.", "Melden Sie sich an, oder bitten Sie einen Administrator um ein Konto."),
  whole("Nobody has been set up yet.", "Es ist noch niemand eingerichtet."),
  whole("Passwords do not travel unencrypted.", "Passwörter werden nicht unverschlüsselt übertragen."),
  {
    form: "Open the dashboard with https:// \\(dashboard\\.certificate in the site file, or a proxy on this machine\\), or on the machine itself\\.",
    german: () =>
      "Öffnen Sie die Oberfläche mit https:// (dashboard.certificate in der Gebäudedatei oder ein Proxy auf diesem Rechner) oder auf dem Rechner selbst.",
  },
  whole("The present password is not right.", "Das jetzige Passwort stimmt nicht."),
  whole("Type the password that you logged in with.", "Geben Sie das Passwort ein, mit dem Sie sich angemeldet haben."),
  whole("Choose another password; a few words do well.", "Wählen Sie ein anderes Passwort; einige Wörter sind gut."),
  whole("No such alarm stands.", "Diesen Alarm gibt es nicht mehr."),
  whole("It may have cleared; load the list again.", "Er ist wohl vorbei; laden Sie die Liste neu."),
  whole("Another backup is being made.", "Es wird gerade eine andere Sicherung gemacht."),
  whole("Wait until it is there.", "Warten Sie, bis sie da ist."),
  whole("Another question is being planned.", "Es wird gerade für eine andere Frage geplant."),
  whole("Ask again in a few seconds.", "Fragen Sie in einigen Sekunden noch einmal."),
  whole("Load the page again, or choose another time.", "Laden Sie die Seite neu, oder wählen Sie eine andere Zeit."),
  whole("Load the page again.", "Laden Sie die Seite neu."),
  whole("Load the list again.", "Laden Sie die Liste neu."),
  whole("Give an end in the future.", "Geben Sie ein Ende an, das noch kommt."),
  whole("Give an end after its beginning.", "Geben Sie ein Ende nach dem Beginn an."),
  whole("Give a limit in kW or a price per kWh.", "Geben Sie eine Grenze in kW oder einen Preis je kWh an."),
  whole("Give a number that is not negative.", "Geben Sie eine Zahl an, die nicht negativ ist."),
  whole("Give two numbers in °C.", "Geben Sie zwei Zahlen in °C an."),
  whole("Give a last day that is not before the first.", "Geben Sie einen letzten Tag an, der nicht vor dem ersten liegt."),
  whole("Give days that are still to come.", "Geben Sie Tage an, die noch kommen."),
];

/** What the server answered, in German as far as its form is known. */
export const germanAnswer = (text: string): string =>
  sentenceBySentence(
    text,
    (zone) => zone,
    (reader) => reader.take(sayings),
  );
