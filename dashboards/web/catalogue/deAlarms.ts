/**
 * German for the daemon's alarms, by the kind that their id begins with. Alarms are stored in English with their figures; what is shown in German says what is wrong and
 * what to do, and the original stands below it.
 */
export interface GermanAlarm {
  /** `of`: the zone or point it is about, empty where it is about none. */
  readonly text: (of: string) => string;
  readonly action: string;
}

const of = (of_: string, text: string): string => (of_ === "" ? text : `${of_}: ${text}`);
const alarm = (text: string, action: string): GermanAlarm => ({ text: (subject) => of(subject, text), action });

export const germanAlarms: Readonly<Record<string, GermanAlarm>> = {
  "broker-lost": alarm(
    "Der MQTT-Broker ist nicht erreichbar.",
    "Starten Sie ihn, oder prüfen Sie Adresse, Passwort und Netz; Geräte folgen ihrem eigenen Zeitplan, wenn die letzten Sollwerte ablaufen.",
  ),
  "building-silent": alarm("Das Gebäude antwortet nicht.", "Prüfen Sie die Verbindung; die Zonen folgen dem begrenzten Zeitplan."),
  "carbon-intensities": alarm(
    "CO₂-Intensitäten sind nicht auf dem neuesten Stand.",
    "Prüfen Sie Datei oder Dienst in der Datei des Standorts.",
  ),
  "energy-prices": alarm("Energiepreise sind nicht auf dem neuesten Stand.", "Prüfen Sie Datei oder Dienst in der Datei des Standorts."),
  "clock-jump": alarm("Die Uhr dieses Rechners ist gesprungen.", "Prüfen Sie die Zeitsynchronisation (NTP)."),
  "command-not-sent": alarm(
    "Die Sollwerte konnten nicht gesendet werden.",
    "Prüfen Sie die Verbindung zum Gebäude; Geräte fallen auf ihren eigenen Zeitplan zurück, wenn der letzte Befehl abläuft.",
  ),
  "controller-twice": alarm(
    "Ein anderes Programm benutzt die MQTT-Kennung dieses Standorts.",
    "Beenden Sie das andere isotherm, oder geben Sie jedem Standort eine eigene mqtt.clientId.",
  ),
  "stands-by": alarm(
    "Ein anderes isotherm steuert dieses Gebäude; dieses hier wartet im Schattenbetrieb.",
    "Beenden Sie eines der beiden. Endet das andere, übernimmt dieses von selbst.",
  ),
  "disk-low": alarm(
    "Auf der Platte des Speichers ist kaum noch Platz.",
    "Schaffen Sie Platz, bevor Messungen nicht mehr gespeichert werden können.",
  ),
  store: alarm(
    "Entscheidungen können nicht gespeichert werden; die Regelung läuft weiter.",
    "Schaffen Sie Platz auf der Platte des Speichers, oder prüfen Sie sie.",
  ),
  "store-telemetry": alarm(
    "Messungen können nicht gespeichert werden; die Regelung läuft weiter.",
    "Schaffen Sie Platz auf der Platte des Speichers, oder prüfen Sie sie.",
  ),
  "influx-unreachable": alarm(
    "InfluxDB nimmt die Daten nicht an.",
    "Prüfen Sie die Datenbank; nichts geht verloren, was fehlt, wird nachgeliefert, wenn sie wieder da ist.",
  ),
  "forecast-missing": alarm("Es gibt keine Vorhersage; die Regel entscheidet.", "Prüfen Sie den Wetterdienst und den Außenfühler."),
  "forecast-source": alarm(
    "Die erste Quelle der Wettervorhersagen fällt aus; es wird genommen, was noch gilt, oder die nächste Quelle.",
    "Prüfen Sie forecast.sources in der Datei des Standorts, den Dienst dahinter und den Weg zu ihm.",
  ),
  "gpu-lost": alarm(
    "Pläne werden ohne den Grafikprozessor gerechnet.",
    "Prüfen Sie den Grafiktreiber; es wird von selbst in immer längeren Abständen wieder versucht.",
  ),
  planner: alarm(
    "Der Planer hat nicht rechtzeitig oder nicht brauchbar geplant.",
    "Die Regel entscheidet so lange. Im Protokoll steht, was der Planer sagte.",
  ),
  "planning-loses": alarm(
    "Das Planen hat sich zuletzt nicht gelohnt; bis auf Weiteres handelt die Regel.",
    "Nichts ist unsicher. Sehen Sie nach den Alarmen des Modells und nach dem, was sich im Gebäude geändert hat; der Planer übernimmt von selbst wieder.",
  ),
  "ready-for-auto": alarm(
    "Das Modell hat sich im Schattenbetrieb bewährt: Die Automatik kann angeordnet werden.",
    "Ordnen Sie die Automatik im Zeitplan an, wenn Sie so weit sind.",
  ),
  "site-schedules": alarm(
    "Komfort, Regel oder Tarif lassen sich nicht berechnen; der begrenzte Zeitplan springt ein.",
    "Sehen Sie in das Protokoll, und prüfen Sie die Datei des Standorts.",
  ),
  "too-uncertain": alarm(
    "Das Modell war sich seit mehreren Entscheidungen nicht sicher genug; die Regel entscheidet.",
    "Sehen Sie nach, was sich im Gebäude geändert hat; das Modell lernt heute Nacht daraus.",
  ),
  "model-doubt": alarm(
    "Die letzten Schritte endeten weit von den Vorhersagen des Modells; dort handelt die Regel.",
    "Sehen Sie nach, was sich in der Zone geändert hat. Der Planer übernimmt von selbst wieder.",
  ),
  "model-coverage": alarm(
    "Die Spannen des Modells sind zu schmal oder zu breit.",
    "Sehen Sie auf der Seite des Modells nach; das nächste Lernen misst die Spannen neu.",
  ),
  "model-drift": alarm(
    "Das Modell irrt sich mehr als auf den Tagen, die es beim Lernen nicht sah.",
    "Sehen Sie nach, was sich im Gebäude geändert hat; das nächste Lernen gleicht es aus, oder gehen Sie zur vorigen Fassung zurück.",
  ),
  "zone-temperature": alarm(
    "Die Zone liegt seit mehr als 10 Minuten weit neben ihrem Sollwert.",
    "Prüfen Sie Heizung oder Kühlung, Sonne und offene Fenster.",
  ),
  "zone-response": alarm("Die Zone wird geheizt oder gekühlt und reagiert nicht.", "Prüfen Sie Ventil, Klappe und Versorgung der Zone."),
  sensor: alarm("Der Temperaturfühler liefert nichts Brauchbares.", "Prüfen Sie den Fühler, seine Einheit und seine Verbindung."),
  "sensor-stale": alarm("Der Messwert ist zu alt.", "Prüfen Sie den Fühler und was er veröffentlicht."),
  "sensor-stuck": alarm(
    "Der Messwert hat sich lange nicht bewegt und wird nicht benutzt.",
    "Prüfen Sie den Fühler; mit der ersten Änderung zählt er wieder.",
  ),
  "sensor-implausible": alarm(
    "Der Fühler meldet Werte, die nicht sein können; sie werden nicht benutzt.",
    "Prüfen Sie den Fühler, was er veröffentlicht, und Einheit, Bereich und Formel des Punkts in der Datei des Standorts.",
  ),
  "zone-given-back": alarm(
    "Die Zone ist ohne Messwert und wurde an die eigene Regelung des Gebäudes zurückgegeben.",
    "Prüfen Sie den Fühler. isotherm übernimmt die Zone wieder mit der ersten brauchbaren Temperatur, oder wenn sie jemand von Hand setzt.",
  ),
  "setpoint-not-followed": alarm(
    "Das Gerät meldet andere Sollwerte, als ihm gesendet wurden.",
    "Prüfen Sie, ob es jemand von Hand verstellt hat, ob es seine Sollwerte abonniert und in welcher Einheit es meldet.",
  ),
  "foreign-setpoint": alarm(
    "Jemand anderes veröffentlicht Sollwerte für diese Zone.",
    "Finden und beenden Sie das andere Programm, oder stellen Sie isotherm auf Schattenbetrieb.",
  ),
  frost: alarm("Frostgefahr: Der Frostschutz heizt.", "Prüfen Sie Heizung, Fenster und Fühler sofort."),
  overheat: alarm("Überhitzung: Der Überhitzungsschutz kühlt.", "Prüfen Sie Kühlung, Sonne und Fühler sofort."),
  notify: alarm(
    "Alarme können nicht verschickt werden.",
    "Prüfen Sie notify in der Datei des Standorts und den Weg dorthin; es wird von selbst wieder versucht.",
  ),
};

/** What an alarm's id begins with, as `germanAlarms` knows it; null: not known. */
export const alarmKind = (id: string): string | null => {
  const kind = id.split(":")[0]!;
  if (Object.hasOwn(germanAlarms, kind)) return kind;
  return kind.startsWith("notify-") ? "notify" : null;
};
