"""The column of envelopes of OAuth flows."""

from conjunct.connections.oauth.links import link_place
from conjunct.connections.oauth.models import OAuthFlowRow
from conjunct.connections.oauth.service import verifier_place
from conjunct.core.sealed_columns import SealedColumn

SEALED = (
    SealedColumn(
        OAuthFlowRow.sealed_verifier,
        place=verifier_place,
        row=OAuthFlowRow.state_digest,
        short_lived="a flow ends within minutes",
    ),
    SealedColumn(
        OAuthFlowRow.sealed_link_token,
        place=link_place,
        row=OAuthFlowRow.state_digest,
        short_lived="a flow ends within minutes",
    ),
)
