using Monge.Measures.Posteriors;

namespace Monge.Measures;

/// <summary>The models that come with the library. Each has data of its own, and takes others of the same form.</summary>
public static class PosteriorLibrary
{
    // With the number of unconstrained coordinates for the usual data, so that a list needn't make all of them.
    private static readonly (PosteriorModel Model, int Dimension)[] s_models =
    [
        (EightSchools.Model, 10),
        (LinearRegression.KidScore(hasInteraction: false), 4),
        (LinearRegression.KidScore(hasInteraction: true), 5),
        (LinearRegression.Earnings, 3),
        (LinearRegression.Mesquite, 8),
        (LinearRegression.Kilpisjarvi, 3),
        (LinearRegression.Regression(isCorrelated: false), 6),
        (LinearRegression.Regression(isCorrelated: true), 6),
        (LinearRegression.Diamonds, 26),
        (LogisticRegression.Ionosphere, 35),
        (LogisticRegression.GermanCredit, 25),
        (LogisticRegression.Sonar, 61),
        (RandomEffects.Seeds, 26),
        (TimeSeries.Autoregression, 7),
        (TimeSeries.MovingAverage, 4),
        (TimeSeries.Garch, 4),
        (TimeSeries.StochasticVolatility(isCentred: false), 203),
        (TimeSeries.StochasticVolatility(isCentred: true), 203),
        (RandomWalks.Brownian(hasKnownScales: true), 30),
        (RandomWalks.Brownian(hasKnownScales: false), 32),
        (LorenzBridges.Bridge(hasKnownScales: true), 90),
        (LorenzBridges.Bridge(hasKnownScales: false), 92),
        (CoxProcesses.Pines(16, isWhitened: false), 256),
        (CoxProcesses.Pines(16, isWhitened: true), 256),
        (CoxProcesses.Pines(24, isWhitened: false), 576),
        (CoxProcesses.Pines(24, isWhitened: true), 576),
        (CoxProcesses.Pines(32, isWhitened: false), 1024),
        (CoxProcesses.Pines(32, isWhitened: true), 1024),
        (CoxProcesses.Pines(40, isWhitened: false), 1600),
        (CoxProcesses.Pines(40, isWhitened: true), 1600),
        (Mixtures.TwoNormals, 5),
        (Mixtures.HiddenStates, 4),
        (Mixtures.TwoEmissions, 6),
        (GaussianProcesses.Counts, 13),
        (GaussianProcesses.Regression, 3),
        (OrdinaryDifferentialEquations.LotkaVolterra, 8),
        (OrdinaryDifferentialEquations.OneCompartment, 4),
    ];

    /// <summary>All models, by name.</summary>
    public static IReadOnlyList<PosteriorModel> All { get; } = [.. s_models.Select(m => m.Model)];

    /// <summary>The posteriors of all models for their usual data.</summary>
    internal static IEnumerable<TargetEntry> Targets =>
        s_models.Select(m => new TargetEntry(m.Model.Name, "posterior: " + m.Model.Description, m.Dimension, () => m.Model.Posterior()) { Model = m.Model });

    /// <summary>The model of a name, its own or that of posteriordb; null if there is none.</summary>
    /// <param name="name">The name.</param>
    public static PosteriorModel? Find(string name) => All.FirstOrDefault(m => m.Name == name || m.PosteriorDbName == name);
}
