// A flight: where it is in its life, who is on board and what they were paid, and what can be done.

import { boardForm, cancelForm, deleteForm, editForm, endForm, manifestForm, startForm } from "../actions/flights";
import { type FlightPage, readFlight } from "../api/records";
import { Status } from "../parts/flight-list";
import { Link } from "../parts/link";
import { Act, Actions, Facts, ListCard, OpenIcon, Subject, When } from "../parts/page";
import { Command } from "../parts/refusal";
import { Text } from "../parts/text";
import { changes } from "../state/actions";
import { useLoaded } from "../state/hooks";
import { href, type SubjectView } from "../state/route";
import { grouped } from "../text/number";

export function FlightScreen({ view }: { view: SubjectView }) {
  const { value: page, problem } = useLoaded((signal) => readFlight(view.key, signal), [view.key, String(changes.value)]);
  const flight = page?.flight;
  return (
    <Subject
      view={flight ? { ...view, key: flight.id } : view}
      title={flight ? `${flight.code}  ${flight.departure} → ${flight.arrival}` : view.key}
      beside={flight && <Status status={flight.status} />}
      problem={problem}
    >
      {page && (
        <>
          <About page={page} />
          <div class="record-side">
            <Manifest page={page} />
          </div>
        </>
      )}
    </Subject>
  );
}

function About({ page: { flight } }: { page: FlightPage }) {
  const { status, manifest } = flight;
  const waits = status === "scheduled" || status === "overdue";
  const flies = status === "live" || status === "stale";
  const over = status === "ended" || status === "cancelled";
  return (
    <section class="card subject">
      <div class="subject-body">
        <p class="balance">
          <strong>{grouped(manifest.passengers)}</strong> on board <span class="quiet">· {grouped(manifest.miles)} miles</span>
        </p>
        {manifest.unpaid > 0 && (
          <>
            <p class="bad">{grouped(manifest.unpaid)} on board have no entry in the ledger.</p>
            <Command text="skyteam miles audit" />
          </>
        )}
        <Actions>
          {waits && (
            <Act primary form={() => startForm(flight)}>
              Start…
            </Act>
          )}
          {flies && (
            <Act primary form={() => endForm(flight)}>
              End…
            </Act>
          )}
          <Act primary={over} form={() => boardForm(flight)}>
            Board…
          </Act>
          <Act form={() => manifestForm(flight)}>Paste a manifest…</Act>
          <Act form={() => editForm(flight)}>Edit…</Act>
          {waits && (
            <Act loses form={() => cancelForm(flight)}>
              Cancel…
            </Act>
          )}
          {manifest.passengers === 0 && (
            <Act loses form={() => deleteForm(flight)}>
              Delete…
            </Act>
          )}
        </Actions>
      </div>
      <Facts
        facts={[
          [
            "Airline",
            <Link key="airline" href={href({ screen: "airline", key: flight.airline.airlineId })}>
              <Text value={flight.airline.name} />
            </Link>,
          ],
          ["Brand", <Text key="brand" value={`${flight.brand.name} (${flight.brand.iata}/${flight.brand.icao})`} />],
          ["Codeshare", flight.codeshareAirline ? <Text key="codeshare" value={flight.codeshareAirline.name} /> : <span class="quiet">–</span>],
          ["Aircraft", <Text key="aircraft" value={flight.aircraft} />],
          ["ROBLOX place", <Text key="game" value={flight.gameId} />],
          ["Scheduled", <When key="scheduled" at={flight.startTime} />],
          ["Started", <When key="started" at={flight.startedAt} />],
          [status === "cancelled" ? "Cancelled" : "Ended", <When key="ended" at={flight.endTime} />],
        ]}
      />
    </section>
  );
}

function Manifest({ page: { flight, passengers } }: { page: FlightPage }) {
  return (
    <ListCard
      title="Manifest"
      count={
        passengers.length < flight.manifest.passengers
          ? `${grouped(passengers.length)} of ${grouped(flight.manifest.passengers)}`
          : grouped(passengers.length)
      }
      label="Manifest"
      empty="Nobody is on board."
      columns={[["Player"], ["Shown name"], ["Boarded"], ["Miles", "numeric"], [""]]}
      rows={passengers.map((one) => (
        <tr key={one.userId}>
          <td>
            <Link href={href({ screen: "player", key: one.userId })}>
              <Text value={one.username} />
            </Link>
          </td>
          <td>
            <Text value={one.displayName} />
          </td>
          <td>
            <When at={one.joinedAt} />
          </td>
          <td class="numeric">{grouped(one.miles)}</td>
          <td class="row-actions">
            <OpenIcon to={href({ screen: "player", key: one.userId })} label="Open the player" />
          </td>
        </tr>
      ))}
    />
  );
}
