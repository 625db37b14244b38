"""New access tokens for old: one exchange at a time for a connection, and none whose end is not known.

Within a process there is one flight for a connection; who needs a new token waits for it (`refresher`). Between
processes the right to ask the provider is a claim on the row of `token_exchange`, with a lease (`journal`). Whoever
holds it asks (`exchange`), and keeps the answer sealed in a file before anything else is done with it (`files`), so
that a crash or a database that is away loses nothing: the file is stored by whoever finds it (`recovery`). What is
stored counts only where the credentials are still of the version that was renewed.

A refresh token may be good only once. So these things are seen to:

- A claim that lasts is never passed by, and it lasts longer than the provider is waited for.
- A claim whose lease has run out is taken over after a look for the answer's file. The file of another host cannot be
  seen from here: that host, started again, gets some time to store it.
- The first claimant may merely be slow, and its answer may hold the only good refresh token. It is stored whenever it
  comes, unless newer tokens are: the version decides, not the claim.
- Who took over and is refused does not know yet that the grant is gone. It waits for the late answer, and marks the
  connection only while the claim is its own and the version the same. An answer that comes later still is stored, and
  the mark goes.
- An exchange whose answer was lost is not forgotten: it is asked again soon, while the provider may still accept the
  old token, and if it does not, the connection's mark tells what happened.
"""

from conjunct.connections.refreshing.refresher import Refresh, Refresher
from conjunct.connections.refreshing.times import RefreshTimes
from conjunct.connections.refreshing.upkeep import ensure_renewals, renewal_handlers

__all__ = ["Refresh", "RefreshTimes", "Refresher", "ensure_renewals", "renewal_handlers"]
