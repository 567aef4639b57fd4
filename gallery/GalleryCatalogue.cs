using Monge.Gallery.Entries;

namespace Monge.Gallery;

/// <summary>All gallery entries. A new entry is a file in Entries/ and a line here.</summary>
public static class GalleryCatalogue
{
    /// <summary>The entries in the order of their numbers.</summary>
    public static IReadOnlyList<GalleryEntry> Entries { get; } =
    [
        NeuralPdeTransport.Entry,
        NonEquilibriumTransportSampler.Entry,
        WassersteinFlows.Entry,
        LipschitzSchedules.Entry,
        HighDimensionalSchedules.Entry,
        DataDependentCouplings.Entry,
        Multimarginal.Entry,
        LimitedSamples.Entry,
        StochasticInterpolants.Entry,
        BuildingFlows.Entry,
        ProbabilityFlows.Entry,
        SparseFeatures.Entry,
        ThreeLayerNetworks.Entry,
        FeatureLearning.Entry,
        QuadraticActivation.Entry,
        DynamicalFluctuations.Entry,
        NeuronBirthDeaths.Entry,
        InteractingNeurons.Entry,
    ];
}
