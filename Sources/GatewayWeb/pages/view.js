// Shows one session. The ticket stands in the address's fragment, which no request carries; it is taken out of the
// address bar at once and kept for this tab's reconnects alone.
import RFB from "/novnc/core/rfb.js";

const number = location.pathname.split("/").pop();
const shelf = `ticket-${number}`;
const notice = document.getElementById("notice");
const screen = document.getElementById("screen");
document.title = `Session ${number}`;

if (location.hash.length > 1) {
    sessionStorage.setItem(shelf, location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
}
const ticket = sessionStorage.getItem(shelf);

let attempt = 0;    // failures in a row
let refusals = 0;   // of them, those with a gateway that answers
let seen = false;   // whether this page has shown the session

function tell(state, sentence) {
    document.documentElement.dataset.state = state;
    notice.textContent = sentence;
}

function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const address = `${scheme}://${location.host}/websockify?token=${encodeURIComponent(ticket)}`;
    const rfb = new RFB(screen, address, { shared: true, wsProtocols: ["binary"] });
    rfb.scaleViewport = true;
    rfb.focusOnClick = true;
    rfb.background = "#15181c";
    let asked = false;
    rfb.addEventListener("connect", () => {
        seen = true;
        attempt = 0;
        refusals = 0;
        tell("connected", "");
        rfb.focus();
    });
    rfb.addEventListener("credentialsrequired", () => {
        asked = true;
        rfb.disconnect();
    });
    rfb.addEventListener("desktopname", (event) => {
        document.title = `Session ${number}: ${event.detail.name}`;
    });
    rfb.addEventListener("disconnect", () => {
        if (asked) {
            tell("failed", "This address needs a ticket; please open the session from your portal again.");
        } else {
            lost();
        }
    });
}

// A browser does not tell why a WebSocket failed: a gateway that answers otherwise has refused the ticket.
async function lost() {
    attempt += 1;
    tell("waiting", seen ? "The connection was lost; trying again…" : "Connecting…");
    const answers = await fetch("/healthz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    refusals = answers ? refusals + 1 : 0;
    if (refusals >= 4) {
        sessionStorage.removeItem(shelf);
        tell("ended", seen
            ? "The session has ended, or it is no longer shared with you."
            : "The ticket is wrong or has expired; please open the session from your portal again.");
        return;
    }
    setTimeout(connect, Math.min(15000, 250 * 2 ** attempt));
}

if (ticket) {
    tell("connecting", "Connecting…");
    connect();
} else {
    tell("failed", "This address lacks its ticket; please open the session from your portal again.");
}
