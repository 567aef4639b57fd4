#!/usr/bin/env dotnet
// A diffusion of your own with Monge's whole command line:
//   dotnet run examples/own-diffusion.cs -- evolve --preset quick --seed 1
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Measures;

// dX = -grad Phi dt + sqrt(2 eps) dW in a tilted double well, from a Gaussian on its left. Of a drift that is no gradient, set Drift and Diffusion instead of
// Energy.
var well = new EvolutionProblem
{
    Name = "tilted-well",
    Description = "a particle in a tilted double well",
    Initial = GaussianBase.Diagonal([-0.5], [0.5]),
    Energy = new FreeEnergy { Potential = x => (x[0].Square() - 1).Square() + (0.3 * x[0]), Temperature = 0.5 },
    Until = 1,
};

return await MongeCommand.RunAsync(args, well);
