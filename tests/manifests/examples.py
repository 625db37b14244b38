"""Manifests that are good, each showing some constructs; together they show every one."""

from __future__ import annotations

UNIFIED_CRM = """\
specVersion: 1.0.0
integrations:
  - name: acmeSalesforce
    displayName: Acme for Salesforce
    provider: salesforce
    read:
      objects:
        - objectName: account
          mapToName: company
          mapToDisplayName: Company
          destination: crmWebhook
          schedule: "*/10 * * * *"
          requiredFields:
            - fieldName: name
            - fieldName: billingcity
              mapToName: city
              mapToDisplayName: City
            - mapToName: region
              mapToDisplayName: Region
              prompt: Which field holds the sales region?
              default: billingstate
          optionalFields:
            - fieldName: website
            - mapToName: notes
              mapToDisplayName: Notes
              prompt: Which field holds your notes?
              default: description
            - fieldName: phone
              mapToName: tel
              mapToDisplayName: Telephone
          backfill:
            defaultPeriod:
              fullHistory: true
    write:
      objects:
        - objectName: account
          inheritMapping: true
          valueDefaults:
            allowAnyFields: true
        - objectName: touchpoint__c

  - name: acme-hubspot
    provider: hubspot
    module: crm
    read:
      objects:
        - objectName: companies
          mapToName: company
          destination: crmWebhook
          schedule: "0 */2 * * *"
          optionalFieldsAuto: all
          backfill:
            defaultPeriod:
              days: 30
          delivery:
            mode: onRequest
            pageSize: 50
    proxy:
      enabled: true
      useModule: true
"""

NESTED_FIELDS = """\
specVersion: 1.0.0
integrations:
  - name: people
    provider: salesforce
    read:
      objects:
        - objectName: contacts
          destination: peopleWebhook
          requiredFields:
            - fieldName: $['userInfo']['email']
              mapToName: contactEmail
            - fieldName: status
              mapToName: $['moreInfo']['currentStatus']
          optionalFields:
            - fieldName: $['metadata']['tags']
"""

EVENTS = """\
specVersion: 1.0.0
integrations:
  - name: events
    provider: hubspot
    subscribe:
      objects:
        - objectName: contacts
          destination: eventWebhook
          inheritFieldsAndMapping: true
          createEvent:
            enabled: always
          updateEvent:
            enabled: always
            requiredWatchFields:
              - lifecyclestage
              - accountName
          deleteEvent:
            enabled: always
          associationChangeEvent:
            enabled: always
            includeFullRecords: true
        - objectName: deals
          destination: eventWebhook
          inheritFieldsAndMapping: true
          updateEvent:
            enabled: always
            watchFieldsAuto: selected
        - objectName: tickets
          destination: otherWebhook
          otherEvents:
            - ticket.merge
            - ticket.restore
    read:
      objects:
        - objectName: contacts
          destination: eventWebhook
          requiredFields:
            - fieldName: hs_object_id
              mapToName: id
        - objectName: deals
          destination: eventWebhook
          backfill:
            defaultPeriod:
              days: 0
"""

WATCHES = """\
specVersion: 1.0.0
integrations:
  - name: watches
    provider: salesforce
    read:
      objects:
        - objectName: contact
          enabled: always
          destination: peopleWebhook
          schedule: "*/15 * * * *"
          requiredFields:
            - fieldName: email
          delivery:
            mode: auto
    watchSchema:
      destination: schemaWebhook
      schedule: "0 */6 * * *"
      allObjects:
        fieldCreated:
          enabled: always
        fieldDeleted:
          enabled: always
        fieldChanged:
          enabled: always
"""

OURS = """\
specVersion: 1.0.0
integrations:
  - name: ours
    provider: hubspot
    read:
      objects:
        - objectName: contacts
          destination: peopleWebhook
          schedule: "CRON_TZ=Europe/Berlin 0 9 * * 1-5"
          associations: [companies, deals]
          deletedRecords: include
    write:
      objects:
        - objectName: contacts
          inheritMapping: true
          unmappedFields: remove
    proxy:
      enabled: true
      encodedSlashes: allow
      allow:
        - path: /crm/v3/objects/**
          methods: [GET]
"""
"""What the specification lacks."""

ALL = {"unified CRM": UNIFIED_CRM, "nested fields": NESTED_FIELDS, "events": EVENTS, "watches": WATCHES}
EVERY = {**ALL, "ours": OURS}
