// The few icons of the page, drawn in the colour of the text around them. Shapes from Lucide (ISC).

const PATHS = {
  up: "M12 19V5m-7 7 7-7 7 7",
  down: "M12 5v14m7-7-7 7-7-7",
  filter: "M3 5h18M7 12h10m-6 7h2",
  close: "M18 6 6 18M6 6l12 12",
  plus: "M5 12h14M12 5v14",
  check: "M20 6 9 17l-5-5",
  columns: "M3 3h18v18H3zM9 3v18M15 3v18",
  download: "M12 15V3m9 12v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4m4-5 5 5 5-5",
  refresh: "M3 12a9 9 0 0 1 9-9 9.750 9.750 0 0 1 6.740 2.740L21 8M21 3v5h-5M21 12a9 9 0 0 1-9 9 9.750 9.750 0 0 1-6.740-2.740L3 16m5 0H3v5",
  search: "M21 21l-4.340-4.340M19 11a8 8 0 1 1-16 0 8 8 0 0 1 16 0Z",
  sun: "M12 2v2m0 16v2M4.930 4.930l1.410 1.410m11.320 11.320 1.410 1.410M2 12h2m16 0h2M6.340 17.660l-1.410 1.410M19.070 4.930l-1.410 1.410M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z",
  moon: "M20.985 12.486a9 9 0 1 1-9.473-9.472c.405-.022.617.460.402.803a6 6 0 0 0 8.268 8.268c.344-.215.825-.004.803.401Z",
  half: "M12 3a9 9 0 1 0 0 18ZM12 3a9 9 0 0 1 0 18",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  right: "M5 12h14m-7-7 7 7-7 7",
  left: "M19 12H5m7 7-7-7 7-7",
  open: "M15 3h6v6m-11 5L21 3M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the program, as in the browser's tab. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M22 2 2 10.5l7.2 2.6L22 2Zm0 0-10.3 12.9 2.6 7.1L22 2Z" />
    </svg>
  );
}
