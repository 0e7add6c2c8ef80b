import { outageDrill } from "./outage.ts";

/** The service itself ends by SIGKILL, and its supervisor starts it again. */
export const SERVICE_KILLED = outageDrill({
  name: "service-killed",
  about: "the only process of the service ends by kill -9 and is started again at once",
  isService: true,
  async begin(stand) {
    await stand.service().end("SIGKILL");
    return () => stand.startAgain();
  },
});
