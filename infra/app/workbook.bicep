// The loops at a glance, in the portal.

param location string
param tags { *: string }
param workspaceName string

var charts = [
  {
    title: 'Ranks and their latency (ms), by loop'
    query: loadTextContent('../queries/ranks.kql')
    visualization: 'timechart'
  }
  {
    title: 'What became of decisions and rewards, by loop'
    query: loadTextContent('../queries/joins.kql')
    visualization: 'table'
  }
  {
    title: 'Models, by loop'
    query: loadTextContent('../queries/models.kql')
    visualization: 'table'
  }
  {
    title: 'How far the trainer is behind (seconds)'
    query: loadTextContent('../queries/trainer-lag.kql')
    visualization: 'timechart'
  }
  {
    title: 'Errors'
    query: loadTextContent('../queries/errors.kql')
    visualization: 'table'
  }
]

var items = [
  for chart in charts: {
    type: 3
    name: chart.title
    content: {
      version: 'KqlItem/1.0'
      title: chart.title
      query: chart.query
      visualization: chart.visualization
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContext: {
        durationMs: 86400000
      }
    }
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

var content = {
  version: 'Notebook/1.0'
  items: items
  fallbackResourceIds: [
    workspace.id
  ]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'loops')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Open Personalizer'
    category: 'workbook'
    sourceId: workspace.id
    version: 'Notebook/1.0'
    serializedData: string(content)
  }
}
