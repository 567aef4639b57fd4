using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// A model with a place for data: from data of one form comes the posterior of its parameters, and, where its priors are proper, data can be simulated.
/// </summary>
public sealed class PosteriorModel
{
    private readonly Func<ModelData, Density> _density;
    private readonly ModelSimulation? _simulation;
    private readonly Lazy<ModelData> _usual;

    /// <summary>Describes a model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">One line about it, with the entries that its data must have.</param>
    /// <param name="density">Makes the posterior of data; throws <see cref="DataFormatException"/> for data that don't fit.</param>
    /// <param name="usual">The data that are meant when no others are given.</param>
    /// <param name="simulation">How parameters and data are drawn; null where they can't be.</param>
    public PosteriorModel(
        string name, string description, Func<ModelData, Density> density, Func<ModelData> usual, ModelSimulation? simulation = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, Description) = (name, description);
        (_density, _simulation, _usual) = (density, simulation, new Lazy<ModelData>(usual));
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>One line about it.</summary>
    public string Description { get; }

    /// <summary>The posterior in the posterior database of the Stan project whose data are the usual ones; null if there is none.</summary>
    public string? PosteriorDbName { get; init; }

    /// <summary>The data that are meant when no others are given.</summary>
    public ModelData UsualData => _usual.Value;

    /// <summary>Whether parameters can be drawn from the prior, and data at them.</summary>
    public bool CanSimulate => _simulation?.Prior is not null;

    /// <summary>Whether data can be drawn at given parameters.</summary>
    public bool CanObserve => _simulation is not null;

    /// <summary>The posterior of data.</summary>
    /// <param name="data">The data; null for the usual ones, of which more may be known.</param>
    /// <exception cref="DataFormatException">An entry is missing, of a wrong length or impossible; the message names it.</exception>
    public Density Posterior(ModelData? data = null)
    {
        if (data is null)
        {
            return _density(UsualData);
        }

        return _density(data).WithFacts(TargetFacts.None);
    }

    /// <summary>Draws parameters from the prior, and data from the model at them.</summary>
    /// <param name="random">The random numbers.</param>
    /// <param name="design">Covariates, times and numbers of observations; null for those of the usual data.</param>
    /// <exception cref="NotSupportedException">No parameters are drawn from the prior: <see cref="CanSimulate"/>.</exception>
    /// <exception cref="DataFormatException">The design doesn't fit.</exception>
    public SimulatedData Simulate(RandomStream random, ModelData? design = null)
    {
        ArgumentNullException.ThrowIfNull(random);
        if (_simulation?.Prior is not { } prior)
        {
            throw new NotSupportedException($"The model '{Name}' has a flat or very wide prior, from which no parameters are drawn.");
        }

        var parameters = prior(design ?? UsualData, random);
        return new SimulatedData(_simulation.Observe(design ?? UsualData, parameters, random), parameters);
    }

    /// <summary>Draws data at given parameters.</summary>
    /// <param name="parameters">The parameters, in the order of the posterior's names.</param>
    /// <param name="random">The random numbers.</param>
    /// <param name="design">Covariates, times and numbers of observations; null for those of the usual data.</param>
    /// <exception cref="NotSupportedException">The model doesn't say how data are drawn.</exception>
    /// <exception cref="DataFormatException">The design doesn't fit.</exception>
    public ModelData Observe(double[] parameters, RandomStream random, ModelData? design = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(random);
        return _simulation is null
            ? throw new NotSupportedException($"The model '{Name}' doesn't say how data are drawn.")
            : _simulation.Observe(design ?? UsualData, parameters, random);
    }
}

/// <summary>How parameters and data of a model are drawn.</summary>
/// <param name="Prior">
/// Draws parameters, in the order of the posterior's names, for a design: covariates, times and numbers of observations of some data. Null where a prior is
/// flat, or so wide that data drawn of it mean nothing.
/// </param>
/// <param name="Observe">Draws data for a design at parameters: the design with what is observed put in.</param>
public sealed record ModelSimulation(
    Func<ModelData, RandomStream, double[]>? Prior, Func<ModelData, double[], RandomStream, ModelData> Observe);

/// <summary>Data drawn from a model.</summary>
/// <param name="Data">The data.</param>
/// <param name="Parameters">The parameters that they were drawn at, in the order of the posterior's names.</param>
public sealed record SimulatedData(ModelData Data, double[] Parameters);
