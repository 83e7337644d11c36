// A player: the balance and whether it adds up, every movement with its reason, the flights, and what can be done.

import { awardForm, redeemForm, reverseForm, spendForm } from "../actions/miles";
import { eraseForm, renameForm } from "../actions/directory";
import { readPlayer, type Player, type PlayerPage } from "../api/records";
import { FlightRow } from "../parts/flight-list";
import { Act, Actions, ActSmall, Facts, ListCard, Miles, Subject, When } from "../parts/page";
import { Link } from "../parts/link";
import { Command } from "../parts/refusal";
import { Sparkline } from "../parts/sparkline";
import { Text } from "../parts/text";
import { changes, mayAct } from "../state/actions";
import { useLoaded } from "../state/hooks";
import { href, type SubjectView, tableView } from "../state/route";
import { grouped } from "../text/number";
import { initials, visible } from "../text/visible";

const SHORT_ID = 8;

export function PlayerScreen({ view }: { view: SubjectView }) {
  const { value: page, problem } = useLoaded((signal) => readPlayer(view.key, signal), [view.key, String(changes.value)]);
  const player = page?.player;
  return (
    <Subject
      view={player ? { ...view, key: player.userId } : view}
      title={player?.displayName || player?.username || view.key}
      beside={
        player && (
          <>
            <span class="mono">
              @<Text value={player.username} />
            </span>
            <span class="mono">{player.userId}</span>
          </>
        )
      }
      problem={problem}
    >
      {page && (
        <>
          <Balance page={page} />
          <div class="record-side">
            <Movements page={page} />
            <Flights page={page} />
          </div>
        </>
      )}
    </Subject>
  );
}

function AddsUp({ player }: { player: Player }) {
  const ledger = player.earned - player.spent;
  if (ledger === player.miles) return <p class="good">✓ the ledger adds up</p>;
  const off = player.miles - ledger;
  return (
    <>
      <p class="bad">
        The ledger says {grouped(ledger)}: the balance is {grouped(Math.abs(off))} too {off > 0 ? "high" : "low"}.
      </p>
      <Command text="skyteam miles audit" />
    </>
  );
}

function Balance({ page: { player, history } }: { page: PlayerPage }) {
  const letters = initials(player.displayName || player.username);
  return (
    <section class="card subject">
      <div class="subject-body">
        <div class="subject-head">
          {letters && (
            <span class="avatar" aria-hidden="true">
              {letters}
            </span>
          )}
          <p class="balance">
            <strong>{grouped(player.miles)}</strong> miles
          </p>
        </div>
        <AddsUp player={player} />
        <Sparkline values={history.map(({ balance }) => balance).reverse()} />
        <Actions>
          <Act primary form={() => awardForm(player)}>
            Award…
          </Act>
          <Act form={() => spendForm(player)}>Spend…</Act>
          <Act form={() => redeemForm(player, null)}>Redeem…</Act>
          <Act form={() => renameForm(player)}>Rename…</Act>
        </Actions>
      </div>
      <Facts
        facts={[
          ["Rank", `${grouped(player.rank)} of ${grouped(player.users)}`],
          ["Earned", <Miles key="earned" value={player.earned} />],
          ["Spent", <Miles key="spent" value={player.spent} />],
          ["Flights", grouped(player.flights)],
          ["Since", <When key="since" at={player.createdAt} />],
        ]}
      />
      {mayAct() && (
        <div class="subject-foot">
          <Act loses form={() => eraseForm(player)}>
            Erase…
          </Act>
        </div>
      )}
    </section>
  );
}

function Movements({ page: { player, history } }: { page: PlayerPage }) {
  const reversed = new Set(history.map(({ reversesId }) => reversesId).filter(Boolean));
  const all = tableView("milesTransactions", [{ column: "userId", operator: "is", values: [player.userId] }]);
  return (
    <ListCard
      title="Movements"
      count={<Link href={href({ ...all, sort: [{ column: "createdAt", descending: true }] })}>in the ledger</Link>}
      label="Movements"
      empty="No entry yet."
      columns={[["When"], ["Miles", "numeric"], ["Balance", "numeric"], ["Source"], ["Reason"], ["By"], [""]]}
      rows={history.map((entry) => (
        <tr key={entry.id} class={reversed.has(entry.id) ? "undone" : undefined}>
          <td>
            <When at={entry.createdAt} />
          </td>
          <td class="numeric">
            <Miles value={entry.amount} signed />
          </td>
          <td class="numeric">{grouped(entry.balance)}</td>
          <td>
            <span class="badge">
              <Text value={entry.source} />
            </span>
          </td>
          <td title={entry.note ? visible(entry.note) : undefined}>
            {entry.note && <Text value={entry.note} />}
            {entry.reversesId && <span class="quiet mono"> takes back {entry.reversesId.slice(0, SHORT_ID)}</span>}
          </td>
          <td class="quiet">{entry.actor && <Text value={entry.actor} />}</td>
          <td class="row-actions">
            {reversed.has(entry.id) ? (
              <span class="quiet">reversed</span>
            ) : (
              mayAct() &&
              !entry.reversesId && (
                <ActSmall form={() => reverseForm(entry, player)} label={`Reverse the entry of ${grouped(entry.amount)} miles`}>
                  Reverse…
                </ActSmall>
              )
            )}
          </td>
        </tr>
      ))}
    />
  );
}

function Flights({ page: { flights } }: { page: PlayerPage }) {
  return (
    <ListCard
      title="Flights"
      label="Flights"
      empty="Never on board."
      columns={[["Code"], ["Route"], ["Boarded"], ["Miles", "numeric"], [""]]}
      rows={flights.map((flight) => (
        <FlightRow key={flight.flightId} id={flight.flightId} flight={flight}>
          <td>
            <When at={flight.joinedAt} />
          </td>
          <td class="numeric">{grouped(flight.miles)}</td>
        </FlightRow>
      ))}
    />
  );
}
