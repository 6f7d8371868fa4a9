/** Reads since a database was opened, present and past alike. One addition each: nobody pays for it. */
export class ReadCounts {
  /** Of single rows, keys and documents. */
  points = 0;
  /** Begun, whatever they went on to read. */
  scans = 0;
  /** Pages of queries. */
  finds = 0;
  /** Of single rows, keys and documents, blames included. */
  histories = 0;
}
