#!/usr/bin/env dotnet
// Trains once, draws many: a service that fits a table when it starts for the first time, keeps the model's file, and answers with new rows.
//   dotnet run examples/service.cs -- --data data.csv --model m.safetensors
//   curl "http://localhost:5000/rows?n=3&seed=7"
// A FlowModel doesn't change once it is made, and each call of Generate runs programs of its own: any number of requests draw from one model at the same time.
#:sdk Microsoft.NET.Sdk.Web
#:project ../src/Monge/Monge.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Data;
using Monge.Dynamics;
using Monge.Measures;
using Monge.Methods;
using Monge.Runs;
using Monge.Training;

const int MostRows = 100_000;
const int RowsAtOnce = 1000;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<Transport>().AddHostedService(services => services.GetRequiredService<Transport>());
var app = builder.Build();

app.MapGet("/ready", (Transport transport) => transport.Model is null ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable) : Results.Ok());
app.MapGet("/rows", (Transport transport, ILogger<Transport> log, int n = 1, ulong seed = 1, CancellationToken gone = default) =>
{
    if (transport.Model is not { } model)
    {
        return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
    }

    if (n is < 1 or > MostRows)
    {
        return Results.BadRequest(new { error = $"n is a whole number from 1 to {MostRows}, not {n}." });
    }

    // In parts, so that the work ends soon after a client has hung up; each part has a seed of its own, and a request with its seed always gets the same rows.
    List<double[]> rows = [];
    for (var part = 0; rows.Count < n; part++)
    {
        gone.ThrowIfCancellationRequested();
        var settings = new FlowSettings { Steps = 16, Seed = unchecked((seed * MostRows) + (ulong)part), Threads = 1 };
        rows.AddRange(model.Generate(Math.Min(RowsAtOnce, n - rows.Count), settings).Chunk(model.Dimension));
    }

    log.LogInformation("{Rows} rows of seed {Seed}", n, seed);
    return Results.Ok(new { columns = model.Columns, rows });
});
app.Run();

/// <summary>The model: read from its file, or fitted while the service already answers that it isn't ready. Ends with the service, at any step.</summary>
public sealed class Transport(IConfiguration configuration, ILogger<Transport> log) : BackgroundService
{
    private volatile FlowModel? _model;

    public FlowModel? Model => _model;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Run(() => _model = Make(stoppingToken), stoppingToken);

    private FlowModel Make(CancellationToken stopping)
    {
        var file = configuration["model"] ?? "model.safetensors";
        if (File.Exists(file))
        {
            log.LogInformation("the model is read from {File}", file);
            return FlowModel.Load(file, MethodRegistry.Fits);
        }

        var data = FlowData.From(DataTable.Read(configuration["data"] ?? "data.csv"));
        var options = new InterpolantOptions { Training = new TrainingOptions { Iterations = configuration.GetValue<long?>("iterations") } };
        var model = new InterpolantFit(data, options).Run(new Run { Cancellation = stopping, Progress = new Reports(log) });
        model.Save(file);
        log.LogInformation("the model is fitted and kept in {File}", file);
        return model;
    }

    // One line for each tenth of the training.
    private sealed class Reports(ILogger log) : IProgress<TrainingProgress>
    {
        private long _next;

        public void Report(TrainingProgress value)
        {
            if (value.TotalIterations > 0 && value.Iteration >= _next)
            {
                _next = value.Iteration + Math.Max(1, value.TotalIterations / 10);
                log.LogInformation("{Phase}: step {Step} of {Steps}, loss {Loss}", value.Phase, value.Iteration, value.TotalIterations, value.Loss);
            }
        }
    }
}
