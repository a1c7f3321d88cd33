import { describe, expect, it } from "vitest";
import type { Alarm } from "#domain/store";
import { type AlarmText, createAlarmBoard } from "#loop/alarmBoard";

const silent: AlarmText = { id: "sensor-stale:lobby", level: "warning", zone: "lobby", text: "Silent.", action: "Look." };
const byBob = { by: "bob", timeMs: 20, note: "on my way" };

describe("acknowledging alarms", () => {
  const make = (putAlarm?: (alarm: Alarm) => Promise<void>) => {
    const stored: Alarm[] = [];
    const board = createAlarmBoard({
      store: { putAlarm: putAlarm ?? (async (alarm) => void stored.push(alarm)) },
      onError: (error) => expect.unreachable(String(error)),
    });
    return { board, stored };
  };

  it("stores who and when with the alarm, keeps it while it clears, and knows no alarm that does not stand", async () => {
    const { board, stored } = make();
    await board.set(true, silent, 10);
    expect((await board.acknowledge(silent.id, byBob))?.acknowledged).toEqual(byBob);
    expect(board.active()[0]?.acknowledged).toEqual(byBob);
    await board.set(false, silent, 30);
    expect(stored.at(-1)).toMatchObject({ clearedMs: 30, acknowledged: byBob });
    expect(await board.acknowledge(silent.id, byBob)).toBeNull();
    expect(await board.acknowledge("no-such", byBob)).toBeNull();
  });

  it("counts once: the first who saw to it stays", async () => {
    const { board, stored } = make();
    await board.set(true, silent, 10);
    await board.acknowledge(silent.id, byBob);
    expect((await board.acknowledge(silent.id, { ...byBob, by: "eve" }))?.acknowledged?.by).toBe("bob");
    expect(stored).toHaveLength(2);
  });

  it("asks anew once the alarm grows worse or comes back", async () => {
    const { board } = make();
    await board.set(true, silent, 10);
    await board.acknowledge(silent.id, byBob);
    await board.set(true, { ...silent, level: "critical" }, 40);
    expect(board.active()[0]?.acknowledged).toBeUndefined();
    await board.acknowledge(silent.id, byBob);
    await board.set(false, silent, 50);
    await board.set(true, silent, 60);
    expect(board.active()[0]?.acknowledged).toBeUndefined();
  });

  it("is none where it could not be stored", async () => {
    let failing = false;
    const { board } = make(async () => {
      if (failing) throw new Error("disk full");
    });
    await board.set(true, silent, 10);
    failing = true;
    await expect(board.acknowledge(silent.id, byBob)).rejects.toThrow("disk full");
    expect(board.active()[0]?.acknowledged).toBeUndefined();
  });
});
