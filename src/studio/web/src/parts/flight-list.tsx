// Flights as a departure board.

import type { Flight, FlightStatus } from "../api/records";
import { href } from "../state/route";
import { Link } from "./link";
import { ListCard, OpenIcon, When } from "./page";
import { Text } from "./text";
import type { ComponentChildren } from "preact";

const TONES: Record<FlightStatus, string> = {
  scheduled: "badge-3",
  overdue: "badge-1",
  live: "badge-2",
  stale: "badge-bad",
  ended: "badge-other",
  cancelled: "badge-other",
};

export function Status({ status }: { status: FlightStatus }) {
  return <span class={`badge ${TONES[status] ?? "badge-other"}`}>{status}</span>;
}

/** A row of any list of flights: its code and route, what the list says of it, and the way to it. */
export function FlightRow({ id, flight, children }: FlightRowProps) {
  const to = href({ screen: "flight", key: id });
  return (
    <tr>
      <td>
        <Link href={to}>
          <Text value={flight.code} />
        </Link>
      </td>
      <td>
        <Text value={`${flight.departure} → ${flight.arrival}`} />
      </td>
      {children}
      <td class="row-actions">
        <OpenIcon to={to} label="Open the flight" />
      </td>
    </tr>
  );
}

interface FlightRowProps {
  id: string;
  flight: Pick<Flight, "code" | "departure" | "arrival">;
  children: ComponentChildren;
}

export function FlightList({ flights, empty, buttons }: { flights: Flight[]; empty: string; buttons?: ComponentChildren }) {
  return (
    <ListCard
      title="Live and due flights"
      label="Live and due flights"
      empty={empty}
      buttons={buttons}
      columns={[["Code"], ["Route"], ["State"], ["Scheduled"], ["Aircraft"], [""]]}
      rows={flights.map((flight) => (
        <FlightRow key={flight.id} id={flight.id} flight={flight}>
          <td>
            <Status status={flight.status} />
          </td>
          <td>
            <When at={flight.startTime} />
          </td>
          <td>
            <Text value={flight.aircraft} />
          </td>
        </FlightRow>
      ))}
    />
  );
}
