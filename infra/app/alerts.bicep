// Alerts on the log lines of the app. A query returns a row for each thing that is wrong; those of what stalled, for each
// that is right.

param actionGroupName string
param location string
param tags { *: string }
param workspaceName string
param email string

var rules = [
  {
    name: 'trainer-stalled'
    description: 'For 15 minutes no run of the trainer kept up with the event hubs.'
    query: loadTextContent('../queries/trainer-stalled.kql')
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'model-too-old'
    description: 'A loop had events to learn in the last day and published no model.'
    query: loadTextContent('../queries/model-too-old.kql')
    severity: 2
    window: 'P1D'
    frequency: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'join-rate-collapsed'
    description: 'The share of decisions with a reward fell below half of what it was on the day before.'
    query: loadTextContent('../queries/join-rate-collapsed.kql')
    severity: 2
    window: 'P1D'
    frequency: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'rank-errors'
    description: 'More than 1 % of the Ranks of 5 minutes failed.'
    query: loadTextContent('../queries/rank-errors.kql')
    severity: 1
    window: 'PT5M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'late-rewards'
    description: 'More than 10 % of the rewards and activations of an hour came after their reward wait time.'
    query: loadTextContent('../queries/late-rewards.kql')
    severity: 3
    window: 'PT1H'
    frequency: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'events-lost'
    description: 'Events expired in the event hubs before they were read, or were refused by them for ever.'
    query: loadTextContent('../queries/events-lost.kql')
    severity: 1
    window: 'PT1H'
    frequency: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'evaluator-stalled'
    description: 'For an hour the evaluator did not look for jobs, or left one waiting for longer than that.'
    query: loadTextContent('../queries/evaluator-stalled.kql')
    severity: 2
    window: 'PT1H'
    frequency: 'PT15M'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'loop-alarm'
    description: 'An alarm of a loop was raised within the last day and has not ended.'
    query: loadTextContent('../queries/loop-alarm.kql')
    severity: 2
    window: 'P1D'
    frequency: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'personalizer'
    emailReceivers: empty(email) ? [] : [{ name: 'owner', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.name
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [
        workspace.id
      ]
      windowSize: rule.window
      evaluationFrequency: rule.frequency
      autoMitigate: true
      // A new workspace has no log lines yet, and so no column to check a query against.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [
          actionGroup.id
        ]
      }
    }
  }
]
