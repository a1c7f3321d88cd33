/** MQTT topic filters (MQTT 3.1.1 §4.7): `+` is one level, `#` the rest; neither matches a leading `$` level. */

/** True where `topic` falls under `filter`. */
export const topicMatches = (filter: string, topic: string): boolean => {
  const f = filter.split("/");
  const t = topic.split("/");
  if (t[0].startsWith("$") && (f[0] === "+" || f[0] === "#")) return false;
  for (let i = 0; i < f.length; i++) {
    if (f[i] === "#") return true;
    if (i >= t.length || (f[i] !== "+" && f[i] !== t[i])) return false;
  }
  return f.length === t.length;
};

/** True where every topic under `requested` also falls under `allowed`: what an access list has to ask of a subscription. */
export const filterCovers = (allowed: string, requested: string): boolean => {
  const a = allowed.split("/");
  const r = requested.split("/");
  if (r[0].startsWith("$") && (a[0] === "+" || a[0] === "#")) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === "#") return true;
    if (i >= r.length || r[i] === "#") return false;
    if (a[i] !== "+" && a[i] !== r[i]) return false;
  }
  return a.length === r.length;
};

const MAX_TOPIC_BYTES = 65_535;
// 100 levels is where brokers in use refuse or drop a client.
const MAX_TOPIC_LEVELS = 100;
const sound = (text: string): boolean =>
  text !== "" && !text.includes("\u0000") && Buffer.byteLength(text) <= MAX_TOPIC_BYTES && text.split("/").length <= MAX_TOPIC_LEVELS;

/** True where `topic` may be published to: not empty, no wildcard, no null character, at most 100 levels. */
export const isTopic = (topic: string): boolean => sound(topic) && !/[+#]/.test(topic);

/** True where `filter` may be subscribed to: wildcards fill a whole level, `#` only the last. */
export const isTopicFilter = (filter: string): boolean => {
  const levels = filter.split("/");
  return sound(filter) && levels.every((level, i) => (level === "#" ? i === levels.length - 1 : level === "+" || !/[+#]/.test(level)));
};
