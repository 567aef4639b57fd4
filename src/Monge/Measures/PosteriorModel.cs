using Monge.Data;
using Monge.Engine.Random;

namespace Monge.Measures;

/// <summary>
/// A model with a place for data: from data of one form comes the posterior of its parameters, and, where its priors are proper, data can be simulated.
/// </summary>
public sealed class PosteriorModel
{
    private readonly Func<ModelData, Density> _density;
    private readonly Func<ModelData, RandomStream, SimulatedData>? _simulate;
    private readonly Lazy<ModelData> _usual;

    /// <summary>Describes a model.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">One line about it, with the entries that its data must have.</param>
    /// <param name="density">Makes the posterior of data; throws <see cref="DataFormatException"/> for data that don't fit.</param>
    /// <param name="usual">The data that are meant when no others are given.</param>
    /// <param name="simulate">
    /// Draws parameters from the prior and data of them, with what is given (covariates, times, numbers of observations) taken from other data; null where a
    /// prior is flat.
    /// </param>
    public PosteriorModel(
        string name, string description, Func<ModelData, Density> density, Func<ModelData> usual, Func<ModelData, RandomStream, SimulatedData>? simulate = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, Description) = (name, description);
        (_density, _simulate, _usual) = (density, simulate, new Lazy<ModelData>(usual));
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>One line about it.</summary>
    public string Description { get; }

    /// <summary>The posterior in the posterior database of the Stan project whose data are the usual ones; null if there is none.</summary>
    public string? PosteriorDbName { get; init; }

    /// <summary>The data that are meant when no others are given.</summary>
    public ModelData UsualData => _usual.Value;

    /// <summary>Whether data can be simulated.</summary>
    public bool CanSimulate => _simulate is not null;

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
    /// <exception cref="NotSupportedException">A prior is flat, so nothing can be drawn from it.</exception>
    /// <exception cref="DataFormatException">The design doesn't fit.</exception>
    public SimulatedData Simulate(RandomStream random, ModelData? design = null)
    {
        ArgumentNullException.ThrowIfNull(random);
        return _simulate is null
            ? throw new NotSupportedException($"The model '{Name}' has a flat prior, from which no parameters can be drawn.")
            : _simulate(design ?? UsualData, random);
    }
}

/// <summary>Data drawn from a model.</summary>
/// <param name="Data">The data.</param>
/// <param name="Parameters">The parameters that they were drawn at, in the order of the posterior's names.</param>
public sealed record SimulatedData(ModelData Data, double[] Parameters);
