"""The composition root: what every slice offers, wired together for one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from starlette.datastructures import State

from conjunct import __version__
from conjunct.actions.proxy import Destinations, Proxy, Usage
from conjunct.actions.read import ReadAction, ReadJobs, ReadOverview, ReadService
from conjunct.actions.read import retention as read_retention
from conjunct.actions.search import SearchService
from conjunct.actions.write import WriteAction, WriteService
from conjunct.actions.write import jobs as write_jobs
from conjunct.app.tables import load_sealed_columns
from conjunct.connections import ConnectionService, ConnectLinkService, CustomAuthFlows, OAuthFlows, Revoker
from conjunct.connections.refreshing import ensure_renewals, renewal_handlers
from conjunct.connectors import EgressTransport
from conjunct.core.database import Database
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.encryption import DerivedKeys
from conjunct.core.settings import Settings
from conjunct.core.storage import FolderStorage
from conjunct.delivery import DeliveryOptions, DeliveryService
from conjunct.installations import (
    AlwaysInstaller,
    Hydrator,
    InstallationForesight,
    InstallationNotices,
    InstallationService,
    Upstream,
)
from conjunct.integrations import DeployPlanner, IntegrationService, Uploads, ensure_sweep, sweep_handler
from conjunct.kit.clock import Clock, SystemClock
from conjunct.manifests import Limits
from conjunct.notifications import NotificationService, TopicService
from conjunct.operations import OperationService
from conjunct.operations import retention as operation_retention
from conjunct.providers import ProjectProviders, ProviderOverrides, PublishedCatalog, open_catalog
from conjunct.queue import Engine, Handler, Options, PostgresEngine
from conjunct.tenants import Authenticator, ProjectKeys, TenantService, audit, idempotency, key_rotation
from conjunct.tenants.api_keys import ApiKeyService
from conjunct.tenants.audit import AuditLog
from conjunct.tenants.builders import BuilderService
from conjunct.tenants.claimed_domains import ClaimedDomainService
from conjunct.tenants.idempotency import IdempotencyService
from conjunct.tenants.invites import InviteService
from conjunct.tenants.jwt_keys import JwtKeyService
from conjunct.tenants.key_rotation import KeyRotations
from conjunct.tenants.keys import KeyTimes
from conjunct.tenants.orgs import OrgService
from conjunct.tenants.projects import ProjectService

PROXY_CONNECTIONS_PER_HOST = 512
"""Requests under way to one provider, of all customers together, that a process passes through at most."""
NO_LIMIT = 0
"""Deliveries have a limit for each destination of their own. Where many share a host, those that hang must leave
connections to the others."""


@dataclass(frozen=True, slots=True)
class Services:
    """A process's services, open for its life."""

    database: Database
    engine: Engine
    authenticator: Authenticator
    idempotency: IdempotencyService
    audit_log: AuditLog
    tenants: TenantService
    api_keys: ApiKeyService
    jwt_keys: JwtKeyService
    key_rotations: KeyRotations
    builders: BuilderService
    orgs: OrgService
    invites: InviteService
    claimed_domains: ClaimedDomainService
    projects: ProjectService
    integrations: IntegrationService
    deploy_planner: DeployPlanner
    uploads: Uploads
    connections: ConnectionService
    revoker: Revoker
    published_catalog: PublishedCatalog
    project_providers: ProjectProviders
    connect_links: ConnectLinkService
    oauth_flows: OAuthFlows
    custom_auth: CustomAuthFlows
    installations: InstallationService
    hydrator: Hydrator
    upstream: Upstream
    operations: OperationService
    delivery: DeliveryService
    notifications: NotificationService
    topics: TopicService
    reads: ReadService
    read_jobs: ReadJobs
    read_overview: ReadOverview
    searches: SearchService
    writes: WriteService
    write_jobs: write_jobs.WriteJobs
    proxy: Proxy
    proxy_usage: Usage
    upkeep: dict[str, Handler]
    public_url: str
    page_keys: DerivedKeys

    def install(self, state: State) -> None:
        """Put the services where the endpoints' dependencies look for them."""
        for name in self.__slots__:
            setattr(state, name, getattr(self, name))

    def job_handlers(self) -> dict[str, Handler]:
        """Every slice's job handlers, by job kind."""
        return {
            **self.delivery.handlers(),
            **self.revoker.handlers(),
            **renewal_handlers(self.database, self.engine, self.connections.refresher),
            **sweep_handler(self.uploads),
            **idempotency.sweep_handler(self.idempotency),
            **audit.sweep_handler(self.audit_log),
            **self.key_rotations.handlers(),
            **self.upstream.handlers,
            **self.read_jobs.handlers(),
            **self.write_jobs.handlers(),
            **self.upkeep,
        }

    async def ensure_maintenance(self) -> None:
        """Arm the schedules of upkeep that belong to no tenant."""
        async with self.database.transaction() as session:
            await self.delivery.ensure_schedules(session)
            await ensure_renewals(self.engine, session)
            await ensure_sweep(self.engine, session)
            await idempotency.ensure_sweep(self.engine, session)
            await audit.ensure_sweep(self.engine, session)
            await key_rotation.ensure_sweep(self.engine, session)
            await operation_retention.ensure_sweep(self.engine, session)
            await read_retention.ensure_sweep(self.engine, session)
            await write_jobs.ensure_sweep(self.engine, session)


@asynccontextmanager
async def open_services(
    settings: Settings, database: Database, *, clock: Clock | None = None, key_times: KeyTimes | None = None
) -> AsyncIterator[Services]:
    """Wire the services over an open database, for the length of the block."""
    clock = clock or SystemClock()
    policy = EgressPolicy(allowed_networks=settings.allowed_networks)
    agent = f"conjunct/{__version__}"
    async with (
        Egress(policy=policy, user_agent=agent) as egress,
        Egress(policy=policy, user_agent=agent, connections_per_host=PROXY_CONNECTIONS_PER_HOST) as proxying,
        Egress(policy=policy, user_agent=agent, connections_per_host=NO_LIMIT) as delivering,
    ):
        services = _wire(settings, database, egress, proxying, delivering, clock, key_times or KeyTimes())
        async with services.connections.refresher.at_work(database, drain_seconds=settings.drain_seconds):
            yield services


def _wire(
    settings: Settings,
    database: Database,
    egress: Egress,
    proxying: Egress,
    delivering: Egress,
    clock: Clock,
    key_times: KeyTimes,
) -> Services:
    master = settings.load_master_keys()
    public_url = str(settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    engine = PostgresEngine(database, _queue_options(settings))
    storage = FolderStorage(settings.data_dir / "storage")
    keys = ProjectKeys(master, clock, key_times)
    tenants = TenantService(keys)
    builders = BuilderService()
    invites = InviteService(builders, clock)
    claimed_domains = ClaimedDomainService(builders)
    page_keys = master.derive("page tokens")
    operations = OperationService(page_keys)
    overrides = ProviderOverrides(settings.load_provider_overrides())
    catalog = open_catalog(settings.providers_dir, strict=False)
    delivery = DeliveryService(
        database=database,
        keys=keys,
        egress=delivering,
        engine=engine,
        storage=storage,
        options=_delivery_options(settings, public_url),
        clock=clock,
    )
    notifications = NotificationService(delivery)
    delivery.on_disabled(notifications.on_destination_disabled)
    transport = EgressTransport(egress, private_servers=overrides.private_servers)
    connections = ConnectionService(
        database=database,
        tenants=tenants,
        keys=keys,
        catalog=catalog,
        transport=transport,
        overrides=overrides,
        clock=clock,
        notifications=notifications,
        engine=engine,
        data_dir=settings.data_dir,
    )
    connect_links = ConnectLinkService(connections=connections, public_url=public_url, clock=clock)
    limits = Limits(catalog.modules(), timedelta(seconds=settings.minimum_schedule_seconds), catalog.abilities)
    project_providers = ProjectProviders(catalog)
    integrations = IntegrationService(limits, project_providers)
    installations = InstallationService(integrations, connections, limits.finest_schedule)
    always = AlwaysInstaller(database, integrations, connections, installations, engine)
    upstream = Upstream(database, integrations, installations, engine, always)
    integrations.add_listener(upstream)
    connections.add_listener(upstream)
    notices = InstallationNotices(installations, notifications)
    installations.add_listener(notices)
    connections.on_refused(notices.on_credentials_refused)
    read = ReadAction.over(
        database=database,
        engine=engine,
        installations=installations,
        connections=connections,
        operations=operations,
        delivery=delivery,
        notifications=notifications,
        clock=clock,
    )
    installations.add_listener(read.follower)
    write = WriteAction.over(
        database=database,
        engine=engine,
        keys=keys,
        installations=installations,
        connections=connections,
        operations=operations,
        notifications=notifications,
        clock=clock,
        pending_limit_bytes=settings.pending_writes_limit_bytes,
    )
    authenticator = Authenticator(database)
    proxy_usage = Usage(database, installations, operations, clock)
    proxy = Proxy(
        authenticator=authenticator,
        destinations=Destinations(database, installations, connections),
        opener=EgressTransport(proxying, private_servers=overrides.private_servers),
        usage=proxy_usage,
    )
    return Services(
        database=database,
        engine=engine,
        authenticator=authenticator,
        idempotency=IdempotencyService(database, master, clock),
        audit_log=AuditLog(database, clock, timedelta(days=settings.audit_retention_days)),
        tenants=tenants,
        api_keys=ApiKeyService(keys),
        jwt_keys=JwtKeyService(),
        key_rotations=KeyRotations(
            database=database,
            engine=engine,
            master=master,
            keys=keys,
            columns=load_sealed_columns,
            clock=clock,
            times=key_times,
        ),
        builders=builders,
        orgs=OrgService(builders, invites, claimed_domains),
        invites=invites,
        claimed_domains=claimed_domains,
        projects=ProjectService(keys, builders),
        integrations=integrations,
        deploy_planner=DeployPlanner(delivery.destinations, InstallationForesight(integrations)),
        uploads=Uploads(storage, master.derive("uploads"), clock),
        connections=connections,
        revoker=Revoker(database=database, keys=keys, catalog=catalog, transport=transport, overrides=overrides),
        published_catalog=PublishedCatalog(catalog),
        project_providers=project_providers,
        connect_links=connect_links,
        oauth_flows=OAuthFlows(
            database=database,
            connections=connections,
            keys=keys,
            public_url=public_url,
            clock=clock,
            links=connect_links,
        ),
        custom_auth=CustomAuthFlows(
            database=database,
            connections=connections,
            transport=transport,
            keys=keys,
            public_url=public_url,
            clock=clock,
            links=connect_links,
        ),
        installations=installations,
        hydrator=Hydrator(database, integrations, connections, clock=clock),
        upstream=upstream,
        operations=operations,
        delivery=delivery,
        notifications=notifications,
        topics=TopicService(delivery),
        reads=read.service,
        read_jobs=read.jobs,
        read_overview=read.overview,
        writes=write.service,
        write_jobs=write.jobs,
        proxy=proxy,
        proxy_usage=proxy_usage,
        searches=SearchService(database, keys, installations, connections, clock),
        upkeep={
            **operation_retention.sweep_handler(database, clock, timedelta(days=settings.operation_retention_days)),
            **read_retention.sweep_handler(database, clock),
        },
        public_url=public_url,
        page_keys=page_keys,
    )


def _queue_options(settings: Settings) -> Options:
    return Options(
        slots=settings.worker_slots,
        tenant_cap=settings.project_slots,
        lease=timedelta(seconds=settings.lease_seconds),
        heartbeat=timedelta(seconds=settings.lease_seconds / 3),
        drain=timedelta(seconds=settings.drain_seconds),
    )


def _delivery_options(settings: Settings, public_url: str) -> DeliveryOptions:
    return DeliveryOptions(
        public_url=public_url,
        allowed_networks=settings.allowed_networks,
        timeout=settings.delivery_timeout_seconds,
        first_timeout=min(10.0, settings.delivery_timeout_seconds),
        spool_limit_bytes=settings.spool_limit_bytes,
        messages_per_second=settings.project_messages_per_second or None,
        project_slots=settings.project_slots,
        attempts_kept=timedelta(days=settings.attempt_retention_days),
    )
